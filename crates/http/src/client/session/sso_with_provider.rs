//! `GET /_matrix/client/v3/login/sso/redirect/{idpId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirectidpid)):
//! the same at a provider that the app has let the person choose.

use axum::{
    extract::State,
    response::{IntoResponse, Response as AnyResponse},
};
use http::{HeaderMap, header};
use ruma::api::client::session::sso_login_with_provider::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Ruma, origin::PreferredLanguage},
    oauth::{Site, UpstreamProviders, unknown_provider},
    state::Settings,
};

pub(in crate::client) async fn redirect(
    State(settings): State<Settings>,
    State(providers): State<UpstreamProviders>,
    PreferredLanguage(language): PreferredLanguage,
    headers: HeaderMap,
    Ruma { request, .. }: Ruma<Request>,
) -> Result<Answer<Response>, AnyResponse> {
    let provider = providers.iter().find(|provider| provider.id == request.idp_id);
    let Some(provider) = provider.filter(|_| settings.oauth.enabled) else {
        // A person is here in a browser; a program wants the code.
        let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        return Err(match accepts {
            Some(accepts) if accepts.contains("text/html") => unknown_provider(language),
            _ => MatrixError::not_found("there is no such sign-in service").into_response(),
        });
    };
    let site = Site::read(&request.redirect_url).map_err(IntoResponse::into_response)?;
    let location = site.consent_page().after(&provider.start_path(), &[]);
    Ok(Answer(Response::new(location)))
}
