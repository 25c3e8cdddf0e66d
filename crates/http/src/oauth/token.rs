//! `POST /oauth2/token`: an app exchanges what it has for tokens
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#grant-types)).

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use pli_accounts::{
    AccountsError,
    oauth::{
        AUTHORIZATION_CODE, CodeExchange, DEVICE_CODE, GrantedTokens, Grants, OAuthErrorCode,
        REFRESH_TOKEN,
    },
};
use serde_json::json;

use super::{
    failure::{OAuthFailure, private},
    parameters::Parameters,
};
use crate::{extract::origin::ClientAddress, layer::rate_limit::RateLimiter};

pub(super) const PATH: &str = "/oauth2/token";

pub(super) async fn token(
    State(grants): State<Grants>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    request: Request<Body>,
) -> Result<Response, OAuthFailure> {
    limiter.address(address)?;
    let form = Parameters::of_form(request).await?;
    let client_id = form.require("client_id")?;
    let granted = match form.require("grant_type")? {
        AUTHORIZATION_CODE => {
            let exchange = CodeExchange {
                client_id,
                code: form.require("code")?,
                redirect_uri: form.require("redirect_uri")?,
                code_verifier: form.require("code_verifier")?,
            };
            grants.exchange_code(exchange).await?
        }
        REFRESH_TOKEN => grants.refresh(client_id, form.require("refresh_token")?).await?,
        DEVICE_CODE => grants.poll_device(client_id, form.require("device_code")?).await?,
        _ => {
            let description = "this grant_type is not known: see the server's metadata";
            let code = OAuthErrorCode::UnsupportedGrantType;
            return Err(AccountsError::oauth(code, description).into());
        }
    };
    Ok(answer(granted))
}

fn answer(GrantedTokens { tokens, scope }: GrantedTokens) -> Response {
    let mut answer = json!({ "access_token": tokens.access_token, "token_type": "Bearer" });
    if let Some(refresh_token) = tokens.refresh_token {
        answer["refresh_token"] = refresh_token.into();
    }
    if let Some(expires_in) = tokens.expires_in {
        answer["expires_in"] = expires_in.as_secs().into();
    }
    if let Some(scope) = scope {
        answer["scope"] = scope.into();
    }
    private(Json(answer).into_response())
}
