//! `GET /_matrix/client/v3/auth/{authType}/fallback/web`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#fallback)): a stage of
//! user-interactive authentication as a page, for clients that don't know the stage.

use std::collections::HashMap;

use axum::{
    Form,
    extract::{Path, Query, State},
};
use http::StatusCode;
use pli_accounts::{
    AccountsError, Credentials, EmailValidation, Language, Registration, UserInteractive,
    accounts::Email,
    uia::FallbackSession,
    validation::{Purpose, TokenRequest},
};
use pli_store::ambient::Ambient;
use ruma::{
    ClientSecret,
    api::client::uiaa::{AuthData, AuthType},
    serde::JsonObject,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    html::{Field, Page},
    words::{self, pick},
};
use crate::{
    extract::origin::{ClientAddress, PreferredLanguage},
    layer::rate_limit::RateLimiter,
};

#[derive(Deserialize)]
pub(in crate::client) struct Session {
    session: String,
}

/// The form of the stage.
pub(in crate::client) async fn show(
    State(user_interactive): State<UserInteractive>,
    PreferredLanguage(language): PreferredLanguage,
    Path(auth_type): Path<String>,
    Query(Session { session }): Query<Session>,
) -> Page {
    let stage = AuthType::from(auth_type);
    match user_interactive.fallback(&session, &stage).await {
        Ok(found) if found.completed => done(language),
        Ok(_) => stage_form(language, &stage, None),
        Err(error) => failed(language, &error),
    }
}

/// What was typed into the form.
#[expect(clippy::too_many_arguments, reason = "each is one thing that axum takes from a request")]
pub(in crate::client) async fn submit(
    State(user_interactive): State<UserInteractive>,
    State(mail): State<EmailStage>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    PreferredLanguage(language): PreferredLanguage,
    Path(auth_type): Path<String>,
    Query(Session { session }): Query<Session>,
    Form(typed): Form<HashMap<String, String>>,
) -> Page {
    let stage = AuthType::from(auth_type);
    if limiter.sign_in_from(address).is_err() {
        let waiting = AccountsError::LimitExceeded { retry_after: std::time::Duration::ZERO };
        return failed(language, &waiting).status(StatusCode::TOO_MANY_REQUESTS);
    }
    let found = match user_interactive.fallback(&session, &stage).await {
        Ok(found) => found,
        Err(error) => return failed(language, &error),
    };
    let field = |name: &str| typed.get(name).map(String::as_str).unwrap_or_default();
    let data = match stage {
        AuthType::Password => json!({
            "identifier": { "type": "m.id.user", "user": found.user_id },
            "password": field("password"),
        }),
        AuthType::RegistrationToken => json!({ "token": field("token") }),
        AuthType::EmailIdentity => match mail.step(language, &found, &typed).await {
            EmailStep::Ask(page) => return page,
            EmailStep::Confirmed { sid, client_secret } => json!({
                "threepid_creds": { "sid": sid, "client_secret": client_secret },
            }),
        },
        _ => json!({}),
    };
    let outcome = match auth_data(&stage, &session, data) {
        Some(auth) => user_interactive.complete_fallback(&session, &auth).await,
        None => Err(AccountsError::NoValidSession),
    };
    match outcome {
        Ok(()) => done(language),
        Err(error @ AccountsError::Forbidden(_)) => {
            stage_form(language, &stage, Some(words::problem(language, &error)))
        }
        Err(error) => failed(language, &error),
    }
}

fn auth_data(stage: &AuthType, session: &str, data: serde_json::Value) -> Option<AuthData> {
    let mut object: JsonObject = match data {
        serde_json::Value::Object(object) => object,
        _ => return None,
    };
    object.insert("type".to_owned(), stage.as_str().into());
    object.insert("session".to_owned(), session.into());
    serde_json::from_value(object.into()).ok()
}

fn stage_form(language: Language, stage: &AuthType, problem: Option<&str>) -> Page {
    let go_on = pick(language, "Continue", "Continuer");
    let page = Page::new(language, pick(language, "Is it you?", "Est-ce bien vous ?"));
    let page = page.problem(problem);
    match stage {
        AuthType::Password => {
            let label = pick(language, "Your password", "Votre mot de passe");
            let field = Field::visible("password", label, "password", "current-password");
            page.form(&[field], go_on)
        }
        AuthType::RegistrationToken => {
            let label = pick(language, "Your registration token", "Votre jeton d’inscription");
            page.form(&[Field::visible("token", label, "text", "off")], go_on)
        }
        AuthType::EmailIdentity => {
            let label = pick(language, "Your work address", "Votre adresse professionnelle");
            let send = pick(language, "Send me a code", "M’envoyer un code");
            page.form(&[Field::visible("email", label, "email", "email")], send)
        }
        _ => page.form(&[], go_on),
    }
}

/// The page that says that a stage is completed, and tells the app so.
pub(crate) fn done(language: Language) -> Page {
    Page::new(language, pick(language, "Thank you", "Merci"))
        .paragraph(pick(
            language,
            "You can close this window and go back to the app.",
            "Vous pouvez fermer cette fenêtre et revenir à l’application.",
        ))
        .tell_opener()
}

fn failed(language: Language, error: &AccountsError) -> Page {
    Page::new(language, pick(language, "This did not work", "Cela n’a pas fonctionné"))
        .status(StatusCode::BAD_REQUEST)
        .problem(Some(words::problem(language, error)))
}

/// The stage by mail, which takes two forms: the address, then the code.
#[derive(Clone)]
pub(in crate::client) struct EmailStage {
    ambient: Ambient,
    registration: Registration,
    credentials: Credentials,
    validation: EmailValidation,
}

impl<S> axum::extract::FromRef<S> for EmailStage
where
    Ambient: axum::extract::FromRef<S>,
    Registration: axum::extract::FromRef<S>,
    Credentials: axum::extract::FromRef<S>,
    EmailValidation: axum::extract::FromRef<S>,
{
    fn from_ref(state: &S) -> Self {
        Self {
            ambient: Ambient::from_ref(state),
            registration: Registration::from_ref(state),
            credentials: Credentials::from_ref(state),
            validation: EmailValidation::from_ref(state),
        }
    }
}

/// What follows a form of the stage by mail.
enum EmailStep {
    /// Another form.
    Ask(Page),
    /// The address is confirmed.
    Confirmed { sid: String, client_secret: String },
}

impl EmailStage {
    async fn step(
        &self,
        language: Language,
        session: &FallbackSession,
        typed: &HashMap<String, String>,
    ) -> EmailStep {
        let (Some(sid), Some(client_secret), Some(code)) =
            (typed.get("sid"), typed.get("client_secret"), typed.get("code"))
        else {
            let address = typed.get("email").map(String::as_str).unwrap_or_default();
            return EmailStep::Ask(match self.send_code(language, session, address).await {
                Ok((sid, client_secret)) => code_form(language, &sid, &client_secret, None),
                Err(error) => {
                    let problem = words::problem(language, &error);
                    stage_form(language, &AuthType::EmailIdentity, Some(problem))
                }
            });
        };
        match self.validation.submit(sid, Some(client_secret), code).await {
            Ok(_) => {
                EmailStep::Confirmed { sid: sid.clone(), client_secret: client_secret.clone() }
            }
            Err(error @ AccountsError::TokenIncorrect) => {
                let problem = words::problem(language, &error);
                EmailStep::Ask(code_form(language, sid, client_secret, Some(problem)))
            }
            Err(error) => EmailStep::Ask(failed(language, &error)),
        }
    }

    async fn send_code(
        &self,
        language: Language,
        session: &FallbackSession,
        address: &str,
    ) -> Result<(String, String), AccountsError> {
        let email = Email::parse(address)?;
        let client_secret = ClientSecret::parse(self.ambient.random_string(32))
            .map_err(|error| AccountsError::invalid_param(error.to_string()))?;
        let request = TokenRequest {
            client_secret: &client_secret,
            email: &email,
            send_attempt: 1,
            next_link: None,
            language,
        };
        let sid = match session.purpose {
            Some(Purpose::Registration) => self.registration.request_email_token(request).await?,
            Some(Purpose::PasswordReset) => self.credentials.request_reset_token(request).await?,
            Some(Purpose::AddEmail) | None => return Err(AccountsError::NoValidSession),
        };
        Ok((sid.to_string(), client_secret.to_string()))
    }
}

fn code_form(language: Language, sid: &str, client_secret: &str, problem: Option<&str>) -> Page {
    let label = pick(language, "The code from the mail", "Le code reçu par courriel");
    let fields = [
        Field::hidden("sid", sid),
        Field::hidden("client_secret", client_secret),
        Field::visible("code", label, "text", "one-time-code"),
    ];
    Page::new(language, pick(language, "Look at your mail", "Consultez votre messagerie"))
        .problem(problem)
        .form(&fields, pick(language, "Continue", "Continuer"))
}
