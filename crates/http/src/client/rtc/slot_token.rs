//! `POST /_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token`.

use axum::extract::State;
use pli_rooms::{CallIdentity, Calls};
use ruma::api::client::rtc::livekit::get_token::v1::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn slot_token(
    State(calls): State<Calls>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let url = request.url.trim_end_matches('/');
    if calls.livekit_url().is_some_and(|livekit_url| livekit_url != url) {
        return Err(MatrixError::invalid_param("`url` is not that of this server's calls"));
    }
    let identity = CallIdentity::Pseudonym {
        device_id: requester.device_id.as_str(),
        member_id: &request.member_id,
    };
    let slot_id = Some(request.slot_id.as_str());
    let jwt = calls.token(&requester.user_id, &request.room_id, slot_id, identity).await?;
    Ok(Answer(Response::new(jwt)))
}
