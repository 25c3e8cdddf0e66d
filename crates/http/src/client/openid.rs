//! OpenID tokens: `POST /_matrix/client/v3/user/{userId}/openid/request_token`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token)),
//! and where the third party asks whose it is, `GET /_matrix/federation/v1/openid/userinfo`
//! ([specification](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo)).

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    routing::get,
};
use http::StatusCode;
use pli_accounts::openid::{LIFETIME, OpenIdTokens};
use ruma::{
    api::client::account::request_openid_token::v3::{Request, Response},
    authentication::TokenType,
};
use serde_json::{Value, json};

use crate::{
    AppState, MatrixError,
    extract::{Answer, Reply, Ruma},
    route::RumaRoutes,
    state::Settings,
};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<Request, _, _>(request_token)
        .route("/_matrix/federation/v1/openid/userinfo", get(user_info))
}

async fn request_token(
    State(tokens): State<OpenIdTokens>,
    State(settings): State<Settings>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    if request.user_id != requester.user_id {
        return Err(MatrixError::forbidden("you can only prove who you are yourself"));
    }
    let token = tokens.issue(&requester.user_id).await?;
    Ok(Answer(Response::new(token, TokenType::Bearer, settings.server_name, LIFETIME)))
}

/// Needs no access token: what is asked for is in the query.
async fn user_info(
    State(tokens): State<OpenIdTokens>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, MatrixError> {
    let query = query.unwrap_or_default();
    let token = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "access_token")
        .map(|(_, token)| token)
        .ok_or_else(|| {
            MatrixError::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "access_token is missing")
        })?;
    let bearer = tokens.bearer(&token).await?;
    let bearer = bearer.ok_or_else(|| {
        MatrixError::new(
            StatusCode::UNAUTHORIZED,
            "M_UNKNOWN_TOKEN",
            "this token is not known or has expired",
        )
    })?;
    Ok(Json(json!({ "sub": bearer })))
}
