//! `GET` and `POST /oauth2/signup`: the page where people create an account
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#user-registration)).

use axum::{
    body::Body,
    extract::{FromRef, RawQuery, Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use maud::{Markup, html};
use pli_accounts::{
    AccountsError, EmailValidation, Language, Registration, RegistrationMode, accounts::Email,
    registration::NewAccount, validation::TokenRequest,
};
use pli_store::ambient::Ambient;
use ruma::{ClientSecret, OwnedUserId, api::client::uiaa::AuthData};
use serde_json::{Value, json};

use super::{
    browser::Browser,
    login,
    next::Next,
    page::{Field, Page, csrf, field, pick, problem},
    parameters::Parameters,
    words,
};
use crate::{layer::rate_limit::RateLimiter, state::Settings};

pub(super) const PATH: &str = "/oauth2/signup";

fn next_of(query: Option<String>) -> Next {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    Next::parse(parameters.get("next"))
}

pub(super) async fn show(
    State(settings): State<Settings>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let next = next_of(query);
    browser.show(first_page(&browser, settings.registration, &next, None))
}

pub(super) async fn submit(
    State(sign_up): State<SignUp>,
    State(limiter): State<RateLimiter>,
    browser: Browser,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    let next = next_of(query);
    let form = match browser.form(request).await {
        Ok(form) => form,
        Err(page) => return browser.show(page),
    };
    if sign_up.mode == RegistrationMode::Closed {
        return browser.show(first_page(&browser, sign_up.mode, &next, None));
    }
    let language = browser.language;
    let is_code_step = form.get("sid").is_some();
    let again = |error: &AccountsError| {
        let text = words::problem(language, error);
        let page = match (form.get("sid"), form.get("client_secret"), error) {
            // Without a code that is good for anything, back to the address.
            (.., AccountsError::NoValidSession) => {
                first_page(&browser, sign_up.mode, &next, Some(&text))
            }
            (Some(sid), Some(client_secret), _) => {
                code_page(&browser, sid, client_secret, Some(&text))
            }
            _ => first_page(&browser, sign_up.mode, &next, Some(&text)),
        };
        browser.show(page.status(words::status(error)))
    };
    if limiter.sign_in_from(browser.address).is_err() {
        let retry_after = std::time::Duration::ZERO;
        return again(&AccountsError::LimitExceeded { retry_after });
    }
    if sign_up.mode == RegistrationMode::Email && !is_code_step {
        let address = form.get("email").unwrap_or_default();
        return match sign_up.send_code(language, address).await {
            Ok((sid, client_secret)) => {
                browser.show(code_page(&browser, &sid, &client_secret, None))
            }
            Err(error) => again(&error),
        };
    }
    match sign_up.create(&form).await {
        Ok(user_id) => {
            browser.sign_in(&user_id, &next).await.unwrap_or_else(IntoResponse::into_response)
        }
        Err(error) => again(&error),
    }
}

/// Creates accounts from forms.
#[derive(Clone)]
pub(super) struct SignUp {
    ambient: Ambient,
    mode: RegistrationMode,
    registration: Registration,
    validation: EmailValidation,
}

impl<S> FromRef<S> for SignUp
where
    Ambient: FromRef<S>,
    EmailValidation: FromRef<S>,
    Registration: FromRef<S>,
    Settings: FromRef<S>,
{
    fn from_ref(state: &S) -> Self {
        Self {
            ambient: Ambient::from_ref(state),
            mode: Settings::from_ref(state).registration,
            registration: Registration::from_ref(state),
            validation: EmailValidation::from_ref(state),
        }
    }
}

impl SignUp {
    async fn send_code(
        &self,
        language: Language,
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
        let sid = self.registration.request_email_token(request).await?;
        Ok((sid.to_string(), client_secret.to_string()))
    }

    async fn create(&self, form: &Parameters) -> Result<OwnedUserId, AccountsError> {
        let text = |name: &str| form.get(name).unwrap_or_default();
        let auth = match self.mode {
            RegistrationMode::Email => {
                let (sid, client_secret) = (text("sid"), text("client_secret"));
                self.validation.submit(sid, Some(client_secret), text("code")).await?;
                json!({
                    "type": "m.login.email.identity",
                    "threepid_creds": { "sid": sid, "client_secret": client_secret },
                })
            }
            RegistrationMode::Token => {
                json!({ "type": "m.login.registration_token", "token": text("token").trim() })
            }
            RegistrationMode::Open => json!({ "type": "m.login.dummy" }),
            RegistrationMode::Closed => Value::Null,
        };
        let auth: Option<AuthData> = serde_json::from_value(auth).ok();
        let account = NewAccount {
            username: form.get("username").map(|name| name.trim().to_owned()),
            // A password that isn't there is too short a one.
            password: Some(text("password").to_owned()),
            session: None,
        };
        Ok(self.registration.register(&account, auth.as_ref()).await?.user_id)
    }
}

fn first_page(
    browser: &Browser,
    mode: RegistrationMode,
    next: &Next,
    what_is_wrong: Option<&str>,
) -> Page {
    let language = browser.language;
    let email = Field {
        name: "email",
        label: pick(language, "Your work address", "Votre adresse professionnelle"),
        kind: "email",
        autocomplete: "email",
        value: "",
    };
    let token = Field {
        name: "token",
        label: pick(language, "Invitation code", "Code d’invitation"),
        kind: "text",
        autocomplete: "off",
        value: "",
    };
    let username = Field {
        name: "username",
        label: pick(language, "User name", "Nom d’utilisateur"),
        kind: "text",
        autocomplete: "username",
        value: "",
    };
    let create = pick(language, "Create the account", "Créer le compte");
    let form: Markup = match mode {
        RegistrationMode::Closed => html! {
            p {
                (pick(
                    language,
                    "Nobody can sign up here. Ask your administrator for an account.",
                    "Personne ne peut s’inscrire ici. Demandez un compte à votre administrateur.",
                ))
            }
        },
        RegistrationMode::Email => html! {
            form method="post" {
                (csrf(browser))
                (field(&email))
                div.row { button { (pick(language, "Send me a code", "M’envoyer un code")) } }
            }
        },
        RegistrationMode::Token | RegistrationMode::Open => html! {
            form method="post" {
                (csrf(browser))
                @if mode == RegistrationMode::Token { (field(&token)) }
                (field(&username))
                (field(&new_password(language)))
                div.row { button { (create) } }
            }
        },
    };
    let body = html! {
        (problem(what_is_wrong))
        (form)
        p {
            a href=(next.after(login::PATH, &[])) {
                (pick(language, "I have an account already", "J’ai déjà un compte"))
            }
        }
    };
    let status =
        if mode == RegistrationMode::Closed { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Page::new(language, pick(language, "Create an account", "Créer un compte"), body).status(status)
}

fn code_page(
    browser: &Browser,
    sid: &str,
    client_secret: &str,
    what_is_wrong: Option<&str>,
) -> Page {
    let language = browser.language;
    let code = Field {
        name: "code",
        label: pick(language, "The code from the mail", "Le code reçu par courriel"),
        kind: "text",
        autocomplete: "one-time-code",
        value: "",
    };
    let body = html! {
        (problem(what_is_wrong))
        form method="post" {
            (csrf(browser))
            input type="hidden" name="sid" value=(sid);
            input type="hidden" name="client_secret" value=(client_secret);
            (field(&code))
            (field(&new_password(language)))
            div.row { button { (pick(language, "Create the account", "Créer le compte")) } }
        }
    };
    Page::new(language, pick(language, "Look at your mail", "Consultez votre messagerie"), body)
}

pub(super) fn new_password(language: Language) -> Field<'static> {
    Field {
        name: "password",
        label: pick(language, "A new password", "Un nouveau mot de passe"),
        kind: "password",
        autocomplete: "new-password",
        value: "",
    }
}
