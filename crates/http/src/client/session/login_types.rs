//! `GET /_matrix/client/v3/login`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login)).

use axum::{Json, extract::State};
use pli_appservice::AppServices;
use ruma::api::client::session::get_login_types::v3::{
    ApplicationServiceLoginType, LoginType, PasswordLoginType, Request, TokenLoginType,
};
use serde_json::{Value, json};

use crate::{MatrixError, extract::Ruma, oauth::UpstreamProviders, state::Settings};

pub(in crate::client) async fn login_types(
    State(app_services): State<AppServices>,
    State(providers): State<UpstreamProviders>,
    State(settings): State<Settings>,
    _request: Ruma<Request>,
) -> Result<Json<Value>, MatrixError> {
    let mut token = TokenLoginType::new();
    token.get_login_token = true;
    let mut flows = vec![LoginType::Password(PasswordLoginType::new()), LoginType::Token(token)];
    if !app_services.is_empty() {
        flows.push(LoginType::ApplicationService(ApplicationServiceLoginType::new()));
    }
    let flows = flows.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
    let mut flows = flows.map_err(MatrixError::internal)?;
    if settings.oauth.enabled {
        flows.push(sso(&providers));
    }
    Ok(Json(json!({ "flows": flows })))
}

/// Signing in on this server's pages. Where people come from elsewhere, apps that know OAuth 2.0 are
/// to offer no other way: the pages offer all that there are.
fn sso(providers: &UpstreamProviders) -> Value {
    let mut flow = json!({ "type": "m.login.sso" });
    if !providers.is_empty() {
        let choices = providers.iter();
        let choices = choices.map(|choice| json!({ "id": choice.id, "name": choice.name }));
        flow["identity_providers"] = choices.collect();
        flow["oauth_aware_preferred"] = true.into();
        // The same for apps of before v1.18 (MSC3824).
        flow["org.matrix.msc3824.delegated_oidc_compatibility"] = true.into();
    }
    flow
}
