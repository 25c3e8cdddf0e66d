//! `POST /_matrix/client/v3/login`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login)).

use axum::{
    body::Body,
    extract::{self, FromRequest, State},
};
use pli_accounts::{
    Login,
    devices::{NewSession, SessionRequest},
    login::Identifier,
};
use pli_appservice::AppServices;
use ruma::{
    api::client::{
        session::login::v3::{ApplicationService, LoginInfo, Password, Request, Response},
        uiaa::UserIdentifier,
    },
    thirdparty::Medium,
};
use serde::Deserialize;

use crate::{
    MatrixError,
    extract::{Answer, MAX_JSON_BODY, Reply, Ruma, form, origin::ClientAddress, read_body},
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn login(
    State(login): State<Login>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    State(app_services): State<AppServices>,
    LoginBody(Ruma { request, requester }): LoginBody,
) -> Reply<Response> {
    if requester.is_none() {
        limiter.sign_in_from(address)?;
    }
    let session_request = SessionRequest {
        device_id: request.device_id,
        initial_device_display_name: request.initial_device_display_name,
        refresh_token: request.refresh_token,
    };
    let session = match request.login_info {
        LoginInfo::Password(info) => {
            let identifier = identifier(&info)?;
            let (Identifier::User(name) | Identifier::Email(name)) = &identifier;
            limiter.sign_in_to(name)?;
            login.with_password(&identifier, &info.password, &session_request).await?
        }
        LoginInfo::ApplicationService(info) => {
            let requester = requester.ok_or_else(not_a_service)?;
            let user_id = login.user_of(&user_of_service(info)?).await?.ok_or_else(|| {
                MatrixError::invalid_param("identifier: this is no user of this server")
            })?;
            app_services.check_login(&requester, &user_id).await?;
            login.for_service(&user_id, &session_request).await?
        }
        LoginInfo::Token(info) => login.with_token(&info.token, &session_request).await?,
        _ => {
            return Err(MatrixError::bad_request(
                "M_UNKNOWN",
                "this way of signing in is not offered here: see GET /login",
            ));
        }
    };
    Ok(Answer(response(session)))
}

/// A request to sign in, of which it is certain that it says how: ruma takes that for granted.
pub(in crate::client) struct LoginBody(Ruma<Request>);

#[derive(Deserialize)]
struct SaysHow {
    #[serde(rename = "type")]
    _how: String,
}

impl<S> FromRequest<S> for LoginBody
where
    S: Send + Sync,
    Ruma<Request>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let body = read_body(body, MAX_JSON_BODY).await?;
        form::check_json(&body)?;
        serde_json::from_slice::<SaysHow>(&body)?;
        let request = extract::Request::from_parts(parts, Body::from(body));
        Ok(Self(Ruma::from_request(request, state).await?))
    }
}

fn not_a_service() -> MatrixError {
    MatrixError::new(
        http::StatusCode::UNAUTHORIZED,
        "M_UNKNOWN_TOKEN",
        "this needs the access token of an application service",
    )
}

#[expect(deprecated, reason = "services of before r0.4 name the user at the top level")]
fn user_of_service(info: ApplicationService) -> Result<Identifier, MatrixError> {
    match (info.identifier, info.user) {
        (Some(UserIdentifier::Matrix(matrix)), _) => Ok(Identifier::User(matrix.user)),
        (None, Some(user)) => Ok(Identifier::User(user)),
        (None, None) => Err(MatrixError::missing_param("say who signs in: identifier")),
        _ => Err(MatrixError::bad_request("M_UNKNOWN", "sign in with a user id")),
    }
}

fn response(session: NewSession) -> Response {
    let NewSession { requester, tokens } = session;
    let mut response = Response::new(requester.user_id, tokens.access_token, requester.device_id);
    response.refresh_token = tokens.refresh_token;
    response.expires_in = tokens.expires_in;
    response
}

#[expect(deprecated, reason = "clients of before r0.4 name the user at the top level")]
fn identifier(info: &Password) -> Result<Identifier, MatrixError> {
    match (&info.identifier, &info.user, &info.medium, &info.address) {
        (Some(UserIdentifier::Matrix(matrix)), ..) => Ok(Identifier::User(matrix.user.clone())),
        (Some(UserIdentifier::Email(email)), ..) => Ok(Identifier::Email(email.address.clone())),
        (None, Some(user), ..) => Ok(Identifier::User(user.clone())),
        (None, None, Some(medium), Some(address)) if medium == Medium::Email.as_str() => {
            Ok(Identifier::Email(address.clone()))
        }
        (None, None, None, None) => Err(MatrixError::missing_param("say who signs in: identifier")),
        _ => Err(MatrixError::bad_request(
            "M_UNKNOWN",
            "sign in with a user id, a user name or an e-mail address",
        )),
    }
}
