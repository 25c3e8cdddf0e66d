//! `GET` and `POST /oauth2/login`: the page where people sign in.

use axum::{
    body::Body,
    extract::{RawQuery, Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use maud::html;
use pli_accounts::{Login, RegistrationMode, login::Identifier};

use super::{
    UpstreamProvider, UpstreamProviders,
    browser::{Browser, see_other},
    next::Next,
    page::{Field, Page, csrf, field, pick, problem},
    parameters::Parameters,
    signup, words,
};
use crate::{layer::rate_limit::RateLimiter, state::Settings};

pub(super) const PATH: &str = "/oauth2/login";

/// What the address says.
struct Asked {
    next: Next,
    /// Whom the app expects, as people type it.
    hint: String,
    /// Who is signed in has to prove it once more.
    again: bool,
}

impl Asked {
    fn read(query: Option<String>) -> Self {
        let parameters =
            Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
        let hint = parameters.get("login_hint").unwrap_or_default();
        // MSC4198: a user id stands behind `mxid:`.
        let hint = hint.strip_prefix("mxid:").unwrap_or(hint);
        Self {
            next: Next::parse(parameters.get("next")),
            hint: hint.chars().take(255).collect(),
            again: parameters.get("again").is_some(),
        }
    }
}

pub(super) async fn show(
    State(providers): State<UpstreamProviders>,
    State(settings): State<Settings>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Asked::read(query);
    if browser.session.is_some() && !asked.again {
        return see_other(asked.next.as_str());
    }
    browser.show(page(&browser, &settings, &providers, &asked, &asked.hint, None))
}

pub(super) async fn submit(
    State(login): State<Login>,
    State(limiter): State<RateLimiter>,
    State(providers): State<UpstreamProviders>,
    State(settings): State<Settings>,
    browser: Browser,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    let asked = Asked::read(query);
    let form = match browser.form(request).await {
        Ok(form) => form,
        Err(page) => return browser.show(page),
    };
    // No name is longer.
    let name: String = form.get("username").unwrap_or_default().trim().chars().take(255).collect();
    let name = name.as_str();
    let password = form.get("password").unwrap_or_default();
    let chosen = form.get("upstream").unwrap_or_default();
    if let Some(provider) = providers.iter().find(|provider| provider.id == chosen) {
        return browser.show(leave(&browser, provider, &asked, name));
    }
    let failed = |text: &str, status: StatusCode| {
        let page = page(&browser, &settings, &providers, &asked, name, Some(text));
        browser.show(page.status(status))
    };
    if limiter.sign_in_from(browser.address).is_err() || limiter.sign_in_to(name).is_err() {
        let text = pick(
            browser.language,
            "Too many attempts. Wait a while and try again.",
            "Trop d’essais. Patientez un moment puis réessayez.",
        );
        return failed(text, StatusCode::TOO_MANY_REQUESTS);
    }
    match login.check_password(&Identifier::User(name.to_owned()), password).await {
        Ok(user_id) => {
            browser.sign_in(&user_id, &asked.next).await.unwrap_or_else(IntoResponse::into_response)
        }
        Err(error) => failed(&words::problem(browser.language, &error), words::status(&error)),
    }
}

/// On to a provider, which is told whom to expect.
fn leave(browser: &Browser, provider: &UpstreamProvider, asked: &Asked, name: &str) -> Page {
    let language = browser.language;
    let hint = if name.is_empty() { asked.hint.as_str() } else { name };
    let hint = (!hint.is_empty()).then_some(("login_hint", hint));
    let again = asked.again.then_some(("again", "1"));
    let parameters: Vec<(&str, &str)> = hint.into_iter().chain(again).collect();
    let address = asked.next.after(&provider.start_path(), &parameters);
    let title = format!("{} {}", pick(language, "On to", "Direction"), provider.name);
    let body = html! {
        p {
            (pick(
                language,
                "You sign in there and come back by yourself.",
                "Vous vous y connectez, puis vous revenez ici automatiquement.",
            ))
        }
        div.row {
            a.button href=(address) { (pick(language, "Continue", "Continuer")) }
        }
    };
    Page::new(language, title, body).goes_on(address)
}

fn page(
    browser: &Browser,
    settings: &Settings,
    providers: &UpstreamProviders,
    asked: &Asked,
    name: &str,
    what_is_wrong: Option<&str>,
) -> Page {
    let language = browser.language;
    let name_field = Field {
        name: "username",
        label: pick(language, "User name or e-mail address", "Nom ou adresse électronique"),
        kind: "text",
        autocomplete: "username",
        value: name,
    };
    let password_field = Field {
        name: "password",
        label: pick(language, "Password", "Mot de passe"),
        kind: "password",
        autocomplete: "current-password",
        value: "",
    };
    let body = html! {
        (problem(what_is_wrong))
        @if asked.again {
            p {
                (pick(
                    language,
                    "To be sure that it is you, sign in once more.",
                    "Pour être sûr que c’est bien vous, connectez-vous une fois encore.",
                ))
            }
        }
        form method="post" {
            (csrf(browser))
            (field(&name_field))
            (field(&password_field))
            div.row { button { (pick(language, "Sign in", "Se connecter")) } }
            // In the same form, so that the provider is told whom to expect.
            @for provider in providers.iter() {
                div.row {
                    button.other name="upstream" value=(provider.id) formnovalidate {
                        (pick(language, "Continue with", "Continuer avec")) " " (provider.name)
                    }
                }
            }
        }
        p {
            a href="/reset-password" {
                (pick(language, "Forgot your password?", "Mot de passe oublié ?"))
            }
        }
        @if settings.registration != RegistrationMode::Closed {
            p {
                a href=(asked.next.after(signup::PATH, &[])) {
                    (pick(language, "Create an account", "Créer un compte"))
                }
            }
        }
    };
    Page::new(language, pick(language, "Sign in", "Se connecter"), body)
}
