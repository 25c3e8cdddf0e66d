//! `GET` and `POST /oauth2/account`: the pages where people look after their account
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#oauth-20-account-management)).
//!
//! Apps link to one of them by `action` and, where it is about a device, `device_id`.

mod deactivate;
mod devices;
mod overview;
mod password;
mod profile;
mod reset;

use axum::{
    body::Body,
    extract::{FromRef, RawQuery, Request, State},
    response::Response,
};
use maud::{Markup, html};
use pli_accounts::{
    Accounts, Credentials, Devices, Language, Profiles, UserInteractive, oauth::BrowserSession,
};
use pli_rooms::Rooms;

use super::{browser::Browser, next::Next, page::pick, parameters::Parameters};
use crate::{departures::Departures, layer::rate_limit::RateLimiter};

pub(super) const PATH: &str = "/oauth2/account";

/// The actions that apps can link to, with the names that some had in MSC4191.
pub(super) const ACTIONS: [&str; 9] = [
    "org.matrix.profile",
    "org.matrix.devices_list",
    "org.matrix.device_view",
    "org.matrix.device_delete",
    "org.matrix.account_deactivate",
    "org.matrix.cross_signing_reset",
    "org.matrix.sessions_list",
    "org.matrix.session_view",
    "org.matrix.session_end",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Overview,
    Password,
    Profile,
    DevicesList,
    DeviceView,
    DeviceDelete,
    Deactivate,
    ResetIdentity,
}

impl Action {
    /// What a link asks for; the way to everything if that isn't known.
    fn read(parameters: &Parameters) -> Self {
        let name = parameters.get("action").unwrap_or_default();
        let has_device = parameters.get("device_id").is_some();
        match name.strip_prefix("org.matrix.").unwrap_or(name) {
            "profile" => Self::Profile,
            password::ACTION => Self::Password,
            "devices_list" | "sessions_list" => Self::DevicesList,
            "device_view" | "session_view" if has_device => Self::DeviceView,
            "device_delete" | "session_end" if has_device => Self::DeviceDelete,
            // Which device, the link doesn't say: the person does.
            "device_view" | "session_view" | "device_delete" | "session_end" => Self::DevicesList,
            "account_deactivate" => Self::Deactivate,
            "cross_signing_reset" => Self::ResetIdentity,
            _ => Self::Overview,
        }
    }

    /// Whether it can't be undone, so that people have to prove once more who they are (MSC4191,
    /// security considerations).
    const fn is_final(self) -> bool {
        matches!(self, Self::DeviceDelete | Self::Deactivate | Self::ResetIdentity)
    }
}

/// What the pages work with.
#[derive(Clone)]
pub(super) struct Services {
    accounts: Accounts,
    credentials: Credentials,
    departures: Departures,
    devices: Devices,
    profiles: Profiles,
    rooms: Rooms,
    user_interactive: UserInteractive,
}

impl<S> FromRef<S> for Services
where
    Accounts: FromRef<S>,
    Credentials: FromRef<S>,
    Devices: FromRef<S>,
    Profiles: FromRef<S>,
    Rooms: FromRef<S>,
    UserInteractive: FromRef<S>,
{
    fn from_ref(state: &S) -> Self {
        Self {
            accounts: Accounts::from_ref(state),
            credentials: Credentials::from_ref(state),
            departures: Departures::from_ref(state),
            devices: Devices::from_ref(state),
            profiles: Profiles::from_ref(state),
            rooms: Rooms::from_ref(state),
            user_interactive: UserInteractive::from_ref(state),
        }
    }
}

/// A page that somebody who is signed in asked for.
struct Asked<'a> {
    services: &'a Services,
    browser: &'a Browser,
    session: &'a BrowserSession,
    parameters: &'a Parameters,
}

impl Asked<'_> {
    fn language(&self) -> Language {
        self.browser.language
    }

    fn device_id(&self) -> &ruma::DeviceId {
        self.parameters.get("device_id").unwrap_or_default().into()
    }
}

pub(super) async fn show(
    State(services): State<Services>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let (parameters, action, session) = match open(&browser, query.as_deref()) {
        Ok(opened) => opened,
        Err(sign_in) => return *sign_in,
    };
    let asked = Asked { services: &services, browser: &browser, session, parameters: &parameters };
    let page = match action {
        Action::Overview => overview::show(&asked).await,
        Action::Password => password::show(&asked).await,
        Action::Profile => profile::show(&asked, None).await,
        Action::DevicesList => devices::list(&asked).await,
        Action::DeviceView => devices::show(&asked).await,
        Action::DeviceDelete => devices::ask(&asked).await,
        Action::Deactivate => deactivate::ask(&asked, None),
        Action::ResetIdentity => reset::ask(&asked),
    };
    browser.show(page)
}

pub(super) async fn submit(
    State(services): State<Services>,
    State(limiter): State<RateLimiter>,
    browser: Browser,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    let (parameters, action, session) = match open(&browser, query.as_deref()) {
        Ok(opened) => opened,
        Err(sign_in) => return *sign_in,
    };
    let form = match browser.form(request).await {
        Ok(form) => form,
        Err(page) => return browser.show(page),
    };
    let asked = Asked { services: &services, browser: &browser, session, parameters: &parameters };
    let page = match action {
        Action::Overview | Action::DevicesList | Action::DeviceView => overview::show(&asked).await,
        Action::Password => return password::change(&asked, &limiter, &form).await,
        Action::Profile => profile::change(&asked, &form).await,
        Action::DeviceDelete => devices::delete(&asked).await,
        Action::Deactivate => deactivate::deactivate(&asked, &form).await,
        Action::ResetIdentity => reset::approve(&asked).await,
    };
    browser.show(page)
}

/// What a request is about and who sent it; else the way to sign in.
fn open<'a>(
    browser: &'a Browser,
    query: Option<&str>,
) -> Result<(Parameters, Action, &'a BrowserSession), Box<Response>> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let action = Action::read(&parameters);
    let next = Next::page(PATH, query);
    let session = if action.is_final() {
        browser.signed_in_just_now(&next)?
    } else {
        browser.signed_in(&next, None)?
    };
    Ok((parameters, action, session))
}

/// The address of one of the pages.
fn address(action: &str, device_id: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("action", action);
    if let Some(device_id) = device_id {
        query.append_pair("device_id", device_id);
    }
    format!("{PATH}?{}", query.finish())
}

/// The way back to everything.
fn back(language: Language) -> Markup {
    html! {
        p { a href=(PATH) { (pick(language, "Back to your account", "Retour à votre compte")) } }
    }
}
