//! `GET /_matrix/client/v3/login/sso/redirect`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirect)):
//! older apps send browsers here to sign somebody in.

use axum::extract::State;
use pli_accounts::RegistrationMode;
use ruma::api::client::session::{
    SsoRedirectAction,
    sso_login::v3::{Request, Response},
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
    oauth::{Site, sign_up_before},
    state::Settings,
};

pub(in crate::client) async fn redirect(
    State(settings): State<Settings>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    if !settings.oauth.enabled {
        return Err(MatrixError::unrecognized());
    }
    let consent = Site::read(&request.redirect_url)?.consent_page();
    let wants_account = request.action == Some(SsoRedirectAction::Register)
        && settings.registration != RegistrationMode::Closed;
    let location =
        if wants_account { sign_up_before(&consent) } else { consent.as_str().to_owned() };
    Ok(Answer(Response::new(location)))
}
