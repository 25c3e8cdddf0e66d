//! Which threads one follows
//! ([MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306),
//! [MSC4308](https://github.com/matrix-org/matrix-spec-proposals/pull/4308)).

mod changes;
mod get;
mod subscribe;
mod unsubscribe;

use axum::Router;
use ruma::api::client::threads::{
    get_thread_subscription, get_thread_subscriptions_changes, subscribe_thread, unsubscribe_thread,
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<get_thread_subscription::unstable::Request, _, _>(get::get)
        .endpoint_with_unstable::<subscribe_thread::unstable::Request, _, _>(subscribe::subscribe)
        .endpoint_with_unstable::<unsubscribe_thread::unstable::Request, _, _>(
            unsubscribe::unsubscribe,
        )
        .endpoint_with_unstable::<get_thread_subscriptions_changes::unstable::Request, _, _>(
            changes::changes,
        )
}
