//! Confirming an e-mail address: where clients post the mailed code to (`submit_url`), and the page
//! behind the mailed link.

use axum::{
    Json,
    body::Body,
    extract::{Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, header};
use pli_accounts::{AccountsError, EmailValidation, Language, validation::PendingValidation};
use serde::Deserialize;
use serde_json::json;

use super::{
    html::{Field, Page},
    words::{self, pick},
};
use crate::{
    MatrixError,
    extract::{
        origin::{ClientAddress, PreferredLanguage},
        read_body,
    },
    layer::rate_limit::RateLimiter,
    state::Settings,
};

/// The greatest body, in bytes: two ids and a code.
const MAX_BODY: usize = 4 * 1024;

#[derive(Deserialize)]
pub(in crate::client) struct Link {
    sid: String,
    token: String,
}

#[derive(Deserialize)]
struct Code {
    sid: String,
    client_secret: String,
    token: String,
}

/// The page behind the link. It changes nothing by itself: mail scanners open links too.
pub(in crate::client) async fn show(
    State(validation): State<EmailValidation>,
    PreferredLanguage(language): PreferredLanguage,
    link: Result<Query<Link>, axum::extract::rejection::QueryRejection>,
) -> Page {
    let Ok(Query(link)) = link else {
        return failed(language, &AccountsError::NoValidSession);
    };
    match validation.open_link(&link.sid, &link.token).await {
        Ok(pending) => question(&pending, &link),
        Err(error) => failed(language, &error),
    }
}

fn question(pending: &PendingValidation, link: &Link) -> Page {
    let language = pending.language;
    let fields = [Field::hidden("sid", &link.sid), Field::hidden("token", &link.token)];
    Page::new(language, pick(language, "Confirm your address", "Confirmer votre adresse"))
        .paragraph(&pending.email)
        .paragraph(words::purpose(language, pending.purpose))
        .form(&fields, pick(language, "Yes, that’s me", "Oui, c’est moi"))
}

/// A client's JSON with the code, or the page's form.
pub(in crate::client) async fn submit(
    State(validation): State<EmailValidation>,
    State(settings): State<Settings>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    PreferredLanguage(language): PreferredLanguage,
    request: Request<Body>,
) -> Result<Response, MatrixError> {
    limiter.sign_in_from(address)?;
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_form = content_type
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let body = read_body(request.into_body(), MAX_BODY).await?;
    if !is_form {
        let Code { sid, client_secret, token } = serde_json::from_slice(&body)?;
        validation.submit(&sid, Some(&client_secret), &token).await?;
        return Ok(Json(json!({ "success": true })).into_response());
    }
    let outcome = match serde_html_form::from_bytes::<Link>(&body) {
        Ok(link) => validation.submit(&link.sid, None, &link.token).await,
        Err(_) => Err(AccountsError::NoValidSession),
    };
    Ok(match outcome {
        Ok(pending) => confirmed(&pending, &settings),
        Err(error) => failed(language, &error).into_response(),
    })
}

fn confirmed(pending: &PendingValidation, settings: &Settings) -> Response {
    // The client names the page that follows. Only pages of this very server: a link in an official
    // mail must not lead to a stranger's site.
    let next = pending.next_link.as_deref().and_then(|link| url::Url::parse(link).ok());
    if let Some(next) = next.filter(|next| next.origin() == settings.public_url.origin()) {
        return Redirect::to(next.as_str()).into_response();
    }
    let language = pending.language;
    Page::new(language, pick(language, "Address confirmed", "Adresse confirmée"))
        .paragraph(pick(
            language,
            "Go back to the window where you started: it goes on by itself.",
            "Revenez à la fenêtre où vous avez commencé : la suite s’y affiche.",
        ))
        .into_response()
}

fn failed(language: Language, error: &AccountsError) -> Page {
    Page::new(language, pick(language, "This did not work", "Cela n’a pas fonctionné"))
        .status(StatusCode::BAD_REQUEST)
        .problem(Some(words::problem(language, error)))
}
