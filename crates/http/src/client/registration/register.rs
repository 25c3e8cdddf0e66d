//! `POST /_matrix/client/v3/register`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register)).

use axum::{Json, extract::State};
use pli_accounts::{
    Registration,
    devices::{NewSession, SessionRequest},
    registration::{NewAccount, Registered},
};
use pli_appservice::AppServices;
use ruma::{
    OwnedDeviceId, OwnedUserId,
    api::client::account::register::{LoginType, RegistrationKind, v3::Request},
};
use serde::Serialize;

use crate::{
    MatrixError,
    extract::{Ruma, origin::ClientAddress},
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn register(
    State(registration): State<Registration>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<Body>, MatrixError> {
    if requester.is_none() {
        limiter.sign_in_from(address)?;
    }
    if request.kind == RegistrationKind::Guest {
        // Of what the request says, only the device's name counts.
        let session = SessionRequest {
            device_id: None,
            initial_device_display_name: request.initial_device_display_name,
            refresh_token: request.refresh_token,
        };
        return Ok(Json(Body::of(registration.register_guest(session).await?)));
    }
    let session = (!request.inhibit_login).then_some(SessionRequest {
        device_id: request.device_id,
        initial_device_display_name: request.initial_device_display_name,
        refresh_token: request.refresh_token,
    });
    let for_service = request.login_type == Some(LoginType::ApplicationService);
    if requester.is_some() || for_service {
        let requester = requester.ok_or_else(not_a_service)?;
        let username = request
            .username
            .ok_or_else(|| MatrixError::missing_param("name the user to register: username"))?;
        let registered = app_services.register(&requester, &username, session).await?;
        return Ok(Json(Body::of(registered)));
    }
    let account = NewAccount { username: request.username, password: request.password, session };
    let registered = registration.register(&account, request.auth.as_ref()).await?;
    Ok(Json(Body::of(registered)))
}

fn not_a_service() -> MatrixError {
    MatrixError::new(
        http::StatusCode::UNAUTHORIZED,
        "M_UNKNOWN_TOKEN",
        "this needs the access token of an application service",
    )
}

/// The answer. Ruma's type says `null` for what there is not without a session.
#[derive(Serialize)]
pub(in crate::client) struct Body {
    user_id: OwnedUserId,
    #[serde(flatten)]
    session: Option<SessionBody>,
}

#[derive(Serialize)]
struct SessionBody {
    device_id: OwnedDeviceId,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<u128>,
}

impl Body {
    fn of(registered: Registered) -> Self {
        let session = registered.session.map(|NewSession { requester, tokens }| SessionBody {
            device_id: requester.device_id,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_in_ms: tokens.expires_in.map(|expires_in| expires_in.as_millis()),
        });
        Self { user_id: registered.user_id, session }
    }
}
