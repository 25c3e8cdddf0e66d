//! `POST /_matrix/client/v3/account/3pid/email/requestToken`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken)).

use axum::extract::State;
use pli_accounts::{EmailValidation, Emails, accounts::Email, validation::TokenRequest};
use ruma::api::client::account::request_3pid_management_token_via_email::v3::{Request, Response};

use crate::{
    extract::{
        Answer, Reply, Ruma,
        origin::{ClientAddress, PreferredLanguage},
    },
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn request_email_token(
    State(emails): State<Emails>,
    State(validation): State<EmailValidation>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    PreferredLanguage(language): PreferredLanguage,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    limiter.sign_in_from(address)?;
    let email = Email::parse(&request.email)?;
    let sid = emails
        .request_token(TokenRequest {
            client_secret: &request.client_secret,
            email: &email,
            send_attempt: request.send_attempt.into(),
            next_link: request.next_link.as_deref(),
            language,
        })
        .await?;
    let mut response = Response::new(sid);
    response.submit_url = Some(validation.submit_url().to_string());
    Ok(Answer(response))
}
