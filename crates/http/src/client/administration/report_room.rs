//! `POST /_matrix/client/v3/rooms/{roomId}/report`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreport)).

use axum::extract::State;
use pli_accounts::reports::{Report, Reported, Reports};
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::room::report_room::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma, content::WithContent},
};

pub(in crate::client) async fn report_room(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    State(reports): State<Reports>,
    WithContent { ruma: Ruma { request, requester }, content }: WithContent<Request>,
) -> Reply<Response> {
    // Ruma takes a missing reason for an empty one, as the specification did for a while.
    if !content.contains_key("reason") {
        return Err(MatrixError::missing_param("say why: reason"));
    }
    let Request { room_id, reason, .. } = request;
    // People report rooms that they were invited to, too; only that there is none is said.
    if rooms.head(&store.snapshot().await?, &room_id).await?.is_none() {
        return Err(MatrixError::not_found("there is no such room"));
    }
    let reported = Reported::Room { room_id };
    reports.file(&Report { by: requester.user_id, reported, reason }).await?;
    Ok(Answer(Response::new()))
}
