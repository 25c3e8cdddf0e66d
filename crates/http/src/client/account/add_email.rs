//! `POST /_matrix/client/v3/account/3pid/add`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidadd)).

use axum::extract::State;
use pli_accounts::{Emails, Sessions};
use ruma::api::client::account::add_3pid::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn add_email(
    State(emails): State<Emails>,
    State(sessions): State<Sessions>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    sessions.check_not_granted(&requester).await?;
    let sid = request.sid.as_str();
    let client_secret = request.client_secret.as_str();
    emails.add(&requester.user_id, sid, client_secret, request.auth.as_ref()).await?;
    Ok(Answer(Response::new()))
}
