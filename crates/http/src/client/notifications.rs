//! `GET /_matrix/client/v3/notifications`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications)).

use axum::extract::State;
use pli_push::{Notifications, NotificationsWanted};
use ruma::api::client::push::get_notifications::v3::{Notification, Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(super) async fn list(
    State(notifications): State<Notifications>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let wanted = NotificationsWanted {
        from: request.from,
        limit: request.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        only_highlights: request.only.as_deref() == Some("highlight"),
    };
    let page =
        Box::pin(notifications.list(&requester.user_id, &requester.device_id, &wanted)).await?;
    let shown = page.notifications.into_iter();
    let mut response = Response::new(
        shown
            .map(|notified| {
                let pli_push::Notified { event, room_id, ts, actions, read } = notified;
                Notification::new(actions, event, read, room_id, ts)
            })
            .collect(),
    );
    response.next_token = page.next;
    Ok(Answer(response))
}
