use std::sync::Arc;

use pli_store::{Counter, Direction, Snapshot, Stamp};
use ruma::{RoomId, UserId};

use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::{THREAD_ORDER, THREAD_PARTICIPANT},
    pagination::PaginationToken,
};

/// How many rows are read at once.
const PAGE: usize = 100;
/// How many threads one request looks at, at most: whoever takes part in few of many gets a shorter
/// page and a token to go on from.
const MOST_SCANNED: usize = 2000;

/// Which of a room's threads are asked for.
#[derive(Clone, Copy, Debug)]
pub struct ThreadsRequest {
    /// Where to go on.
    pub from: Option<PaginationToken>,
    /// At most so many threads.
    pub limit: usize,
    /// Only threads in which the user took part.
    pub participated: bool,
}

/// A page of a room's threads.
#[derive(Clone, Debug)]
pub struct ThreadsPage {
    /// The events that the threads grew from; the thread with the latest reply first.
    pub roots: Vec<Arc<RoomEvent>>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<PaginationToken>,
}

impl Rooms {
    /// A page of a room's threads, as a user may see them. Costs what it shows, not what the room
    /// holds
    /// ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads)).
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; when the store fails.
    pub async fn threads(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        request: ThreadsRequest,
    ) -> Result<ThreadsPage, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        let ignored = self.ignored_users(snapshot, user_id).await?;
        let mut roots: Vec<Arc<RoomEvent>> = Vec::new();
        let mut up_to = request.from.map_or(Stamp::MAX, PaginationToken::stamp);
        let mut scanned = 0;
        loop {
            let range = THREAD_ORDER.prefix((room_id,)).up_to((room_id, up_to));
            let rows = snapshot.scan(&THREAD_ORDER, range, PAGE, Direction::Backward).await?;
            let is_last = rows.len() < PAGE;
            scanned += rows.len();
            let root_ids: Vec<_> = rows.iter().map(|row| row.value.root.clone()).collect();
            let events = self.events(snapshot, &root_ids).await?;
            let own_replies = snapshot
                .get_many(&THREAD_PARTICIPANT, root_ids.iter().map(|root| (room_id, root, user_id)))
                .await?;
            for ((row, root), own_replies) in rows.into_iter().zip(events).zip(own_replies) {
                let place = row.key.1;
                let before = PaginationToken::before(place);
                let Some(root) = root else {
                    up_to = before.stamp();
                    continue;
                };
                let replied = own_replies.is_some_and(|(Counter(replies), _)| replies > 0);
                let took_part = replied || root.pdu.sender() == user_id;
                let is_wanted = (took_part || !request.participated)
                    && !ignored.hides(&root)
                    && self.may_see(snapshot, user_id, view.user_room.as_ref(), &root).await?;
                if is_wanted {
                    if roots.len() == request.limit {
                        return Ok(ThreadsPage {
                            roots,
                            next: Some(PaginationToken::after(place)),
                        });
                    }
                    roots.push(root);
                }
                up_to = before.stamp();
            }
            if is_last {
                return Ok(ThreadsPage { roots, next: None });
            }
            if scanned >= MOST_SCANNED {
                return Ok(ThreadsPage { roots, next: Some(PaginationToken::after(up_to)) });
            }
        }
    }
}
