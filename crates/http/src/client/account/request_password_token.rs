//! `POST /_matrix/client/v3/account/password/email/requestToken`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordemailrequesttoken)).

use axum::extract::State;
use pli_accounts::Credentials;
use ruma::api::client::account::request_password_change_token_via_email::v3::{Request, Response};

use crate::{
    client::email_token::{Applicant, Wanted},
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn request_password_token(
    State(credentials): State<Credentials>,
    applicant: Applicant,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let Request { client_secret, email, send_attempt, next_link, .. } = request;
    let admitted = applicant.admit(Wanted { client_secret, email, send_attempt, next_link })?;
    let mut response = Response::new(credentials.request_reset_token(admitted.request()).await?);
    response.submit_url = Some(admitted.submit_url);
    Ok(Answer(response))
}
