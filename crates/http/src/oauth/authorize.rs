//! `GET` and `POST /oauth2/authorize`: an app sends somebody's browser here, and they let it in or
//! not ([specification](https://spec.matrix.org/v1.19/client-server-api/#authorisation-code-flow)).
//!
//! The request stays in the address from page to page, and is checked on each: the server keeps
//! nothing of it until somebody said yes.

use axum::{
    body::Body,
    extract::{RawQuery, Request, State},
    response::Response,
};
use http::StatusCode;
use maud::{Markup, html};
use pli_accounts::{
    AccountsError, Language, RegistrationMode,
    oauth::{
        AuthorisationRequest, CheckedRequest, Client, Clients, Grants, OAuthErrorCode,
        OAuthProblem, Refusal,
    },
};

use super::{
    browser::{Browser, see_other},
    next::Next,
    page::{Page, csrf, decision, pick},
    parameters::Parameters,
    signup,
};
use crate::state::Settings;

pub(super) const PATH: &str = "/oauth2/authorize";

/// The page that asks.
pub(super) async fn show(
    State(clients): State<Clients>,
    State(settings): State<Settings>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let (parameters, request) = match read(&clients, &browser, query.as_deref()).await {
        Ok(read) => read,
        Err(page) => return browser.show(page),
    };
    let mut prompts = parameters.get("prompt").unwrap_or_default().split_ascii_whitespace();
    let wants_account = prompts.any(|prompt| prompt == "create");
    if wants_account && settings.registration != RegistrationMode::Closed {
        // Once there is an account, the same request without the wish for one.
        let next = Next::page(PATH, Some(&parameters.query_without("prompt")));
        return see_other(&next.after(signup::PATH, &[]));
    }
    let next = Next::page(PATH, query.as_deref());
    match browser.signed_in(&next, parameters.get("login_hint")) {
        Ok(session) => {
            let user_id = session.user_id.as_str();
            browser.show(question(&browser, &request, user_id, &next))
        }
        Err(sign_in) => *sign_in,
    }
}

/// Yes or no.
pub(super) async fn decide(
    State(clients): State<Clients>,
    State(grants): State<Grants>,
    browser: Browser,
    RawQuery(query): RawQuery,
    form: Request<Body>,
) -> Response {
    let (_, request) = match read(&clients, &browser, query.as_deref()).await {
        Ok(read) => read,
        Err(page) => return browser.show(page),
    };
    let session = match browser.signed_in(&Next::page(PATH, query.as_deref()), None) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    let form = match browser.form(form).await {
        Ok(form) => form,
        Err(page) => return browser.show(page),
    };
    if form.get("decision") != Some("allow") {
        let description = "the person said no".into();
        let problem = OAuthProblem { code: OAuthErrorCode::AccessDenied, description };
        return see_other(request.redirect.with_problem(&problem).as_str());
    }
    match grants.allow(&request, session).await {
        Ok(code) => see_other(request.redirect.with_code(&code).as_str()),
        Err(error) => browser.show(Page::failed(browser.language, &error)),
    }
}

/// Reads the request in the address, or makes the page that says what is wrong with it.
async fn read(
    clients: &Clients,
    browser: &Browser,
    query: Option<&str>,
) -> Result<(Parameters, CheckedRequest), Page> {
    let language = browser.language;
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes())
        .map_err(|problem| Page::failed(language, &AccountsError::from(problem)))?;
    let request = AuthorisationRequest {
        client_id: parameters.get("client_id"),
        redirect_uri: parameters.get("redirect_uri"),
        response_type: parameters.get("response_type"),
        response_mode: parameters.get("response_mode"),
        scope: parameters.get("scope"),
        state: parameters.get("state"),
        code_challenge: parameters.get("code_challenge"),
        code_challenge_method: parameters.get("code_challenge_method"),
    };
    match clients.check(&request).await {
        Ok(checked) => Ok((parameters, checked)),
        Err(Refusal::Here(error)) => Err(Page::failed(language, &error)),
        // Anybody can register an app and put a wrong request into a link. So nobody is led on
        // before they saw where to (RFC 9700, section 4.11.2).
        Err(Refusal::There(redirect, problem)) => {
            let address = redirect.with_problem(&problem);
            let text = super::words::problem(language, &AccountsError::from(problem));
            let place = redirect.uri().host_str().map_or_else(
                || pick(language, "the app", "l’application").to_owned(),
                str::to_owned,
            );
            let body = html! {
                p.problem role="alert" { (text) }
                p { a href=(address) { (pick(language, "Back to", "Retour à")) " " (place) } }
            };
            let title = pick(language, "This did not work", "Cela n’a pas fonctionné");
            Err(Page::new(language, title, body).status(StatusCode::BAD_REQUEST))
        }
    }
}

fn question(browser: &Browser, request: &CheckedRequest, user_id: &str, next: &Next) -> Page {
    let language = browser.language;
    let title = format!(
        "{} {} ?",
        pick(language, "Sign in to", "Vous connecter à"),
        request.client.metadata.name(language),
    );
    let title = if language == Language::English { title.replace(" ?", "?") } else { title };
    let body = html! {
        (about(language, &request.client))
        (consequences(language))
        (decision(browser))
        (signed_in_as(browser, user_id, next))
    };
    Page::new(language, title, body).leads_to(request.redirect.uri())
}

/// Who asks. A letter instead of a logo: fetching one would tell a stranger who signs in.
pub(super) fn about(language: Language, client: &Client) -> Markup {
    let metadata = &client.metadata;
    let name = metadata.name(language);
    let letter: String = name.chars().take(1).flat_map(char::to_uppercase).collect();
    html! {
        div.row {
            span.letter aria-hidden="true" { (letter) }
            div {
                strong { (name) }
                br;
                span.quiet { (metadata.host()) }
            }
        }
        @if metadata.tos_uri.is_some() || metadata.policy_uri.is_some() {
            p {
                @if let Some(address) = &metadata.policy_uri {
                    a href=(address) rel="noreferrer" {
                        (pick(language, "Privacy policy", "Politique de confidentialité"))
                    }
                    " "
                }
                @if let Some(address) = &metadata.tos_uri {
                    a href=(address) rel="noreferrer" {
                        (pick(language, "Terms of use", "Conditions d’utilisation"))
                    }
                }
            }
        }
    }
}

/// What an app that is let in can do.
pub(super) fn consequences(language: Language) -> Markup {
    html! {
        p { (pick(language, "This app will be able to:", "Cette application pourra :")) }
        ul {
            li {
                (pick(
                    language,
                    "see your profile, your contacts and your conversations",
                    "voir votre profil, vos contacts et vos conversations",
                ))
            }
            li {
                (pick(
                    language,
                    "send messages and files in your name",
                    "envoyer des messages et des fichiers en votre nom",
                ))
            }
        }
        p.quiet {
            (pick(
                language,
                "Continue only if you trust it. You can sign it out at any time.",
                "Ne continuez que si vous avez confiance. Vous pourrez la déconnecter à tout moment.",
            ))
        }
    }
}

/// Who is signed in here, and a way to be somebody else.
pub(super) fn signed_in_as(browser: &Browser, user_id: &str, next: &Next) -> Markup {
    let language = browser.language;
    html! {
        form method="post" action=(next.after(super::logout::PATH, &[])) {
            (csrf(browser))
            p.quiet {
                (pick(language, "You are signed in here as", "Vous êtes connecté ici en tant que"))
                " " strong { (user_id) }
            }
            button.other { (pick(language, "Use another account", "Utiliser un autre compte")) }
        }
    }
}
