//! `POST /_matrix/client/v3/account/3pid/email/requestToken`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken)).

use axum::extract::State;
use pli_accounts::Emails;
use ruma::api::client::account::request_3pid_management_token_via_email::v3::{Request, Response};

use crate::{
    client::email_token::{Applicant, Wanted},
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn request_email_token(
    State(emails): State<Emails>,
    applicant: Applicant,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let Request { client_secret, email, send_attempt, next_link, .. } = request;
    let admitted = applicant.admit(Wanted { client_secret, email, send_attempt, next_link })?;
    let mut response = Response::new(emails.request_token(admitted.request()).await?);
    response.submit_url = Some(admitted.submit_url);
    Ok(Answer(response))
}
