//! Delayed events ([MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)).
//!
//! Clients schedule them at the endpoints that send events, with a query parameter, or at one of
//! their own.

mod all;
mod get;
mod item;
mod schedule;
mod schedule_message;
mod schedule_state;
mod update;
mod update_by_body;

use std::{borrow::Cow, time::Duration};

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    handler::Handler,
    response::Response,
};
use http::{Uri, request::Parts};
use pli_rooms::DelayedEventAction;
use ruma::api::client::delayed_events::{
    get_all_delayed_events, get_delayed_event, send_delayed_event,
    update_delayed_event::{self, UpdateAction},
};

use crate::{
    AppState, MatrixError,
    client::rooms,
    layer::echo::{Client, Echoes},
    route::RumaRoutes,
};

/// The query parameter that makes an event a delayed one.
const DELAY: &str = "org.matrix.msc4140.delay";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<get_all_delayed_events::unstable::Request, _, _>(all::all)
        .endpoint_with_unstable::<get_delayed_event::unstable::Request, _, _>(get::get)
        .endpoint_with_unstable::<send_delayed_event::unstable::Request, _, _>(schedule::schedule)
        .endpoint_with_unstable::<update_delayed_event::unstable_v1::Request, _, _>(
            update_by_body::update,
        )
        .endpoint_with_unstable::<update_delayed_event::unstable_v2::Request, _, _>(update::update)
}

/// Sends a message, or schedules it if its request says for how long it is to wait.
pub(super) async fn send_or_schedule(
    State(state): State<AppState>,
    State(echoes): State<Echoes>,
    request: Request,
) -> Response {
    if asks_for_delay(request.uri()) {
        return Handler::call(schedule_message::schedule_message, request, state).await;
    }
    let (parts, body) = request.into_parts();
    let sending = echoes.begin(Client::of(&parts));
    let request = Request::from_parts(parts, body);
    sending.until_answered(Handler::call(rooms::send::send, request, state).await)
}

/// Sets state, or schedules that.
pub(super) async fn set_state_or_schedule(
    State(state): State<AppState>,
    request: Request,
) -> Response {
    if asks_for_delay(request.uri()) {
        return Handler::call(schedule_state::schedule_state, request, state).await;
    }
    Handler::call(rooms::set_state::set_state, request, state).await
}

fn asks_for_delay(uri: &Uri) -> bool {
    delay_in(uri).is_some()
}

fn delay_in(uri: &Uri) -> Option<Cow<'_, str>> {
    let query = uri.query()?;
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, _)| name == DELAY).map(|(_, delay)| delay)
}

/// For how long an event is to wait. Ruma's type for it can't be read from a query.
struct Delay(Duration);

impl<S: Send + Sync> FromRequestParts<S> for Delay {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MatrixError> {
        let delay = delay_in(&parts.uri).and_then(|delay| delay.parse().ok());
        let not_a_delay =
            || MatrixError::invalid_param(format!("`{DELAY}` is a number of milliseconds"));
        delay.map(|delay| Self(Duration::from_millis(delay))).ok_or_else(not_a_delay)
    }
}

/// What an action's name means. There is nothing at the path of any other.
fn action(name: &UpdateAction) -> Result<DelayedEventAction, MatrixError> {
    match name {
        UpdateAction::Cancel => Ok(DelayedEventAction::Cancel),
        UpdateAction::Restart => Ok(DelayedEventAction::Restart),
        UpdateAction::Send => Ok(DelayedEventAction::Send),
        _ => Err(MatrixError::unrecognized()),
    }
}
