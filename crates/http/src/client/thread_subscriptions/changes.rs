//! `GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions`: what did not fit into an
//! answer of sliding sync, the latest changes first.

use axum::extract::State;
use pli_rooms::{Rooms, ThreadSubscriptionsToken};
use pli_store::Store;
use ruma::{
    UInt,
    api::client::threads::get_thread_subscriptions_changes::unstable::{
        Request, Response, ThreadSubscription, ThreadUnsubscription,
    },
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

/// How many changes a page has, unless the client asks for less.
const MOST: u32 = 100;

pub(in crate::client) async fn changes(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let token = match request.from.as_deref() {
        None => ThreadSubscriptionsToken::default(),
        Some(from) => from
            .parse()
            .map_err(|_| MatrixError::invalid_param("`from` is not one of this server's tokens"))?,
    };
    let limit = request.limit.map_or(u64::from(MOST), u64::from).clamp(1, u64::from(MOST));
    let limit = usize::try_from(limit).unwrap_or(1);
    let snapshot = store.snapshot().await?;
    // Where the client stopped before is part of the token, so that `to` needs no look.
    let page =
        rooms.thread_subscription_changes(&snapshot, &requester.user_id, token, limit).await?;
    let mut response = Response::new();
    for change in page.changes {
        let bump_stamp = UInt::new_saturating(change.bump_stamp.0);
        match change.automatic {
            Some(automatic) => {
                let subscribed = response.subscribed.entry(change.room_id).or_default();
                subscribed.insert(change.root, ThreadSubscription::new(automatic, bump_stamp));
            }
            None => {
                let unsubscribed = response.unsubscribed.entry(change.room_id).or_default();
                unsubscribed.insert(change.root, ThreadUnsubscription::new(bump_stamp));
            }
        }
    }
    response.end = page.earlier.map(|token| token.to_string());
    Ok(Answer(response))
}
