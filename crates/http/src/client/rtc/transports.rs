//! `GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports`.

use axum::extract::State;
use pli_rooms::Calls;
use ruma::api::client::rtc::transports::v1::{Request, Response};

use super::transport;
use crate::{
    extract::{Answer, Reply, Ruma},
    state::Settings,
};

pub(in crate::client) async fn transports(
    State(calls): State<Calls>,
    State(settings): State<Settings>,
    Ruma { .. }: Ruma<Request>,
) -> Reply<Response> {
    let transports = calls.livekit_url().map(|_| transport(&settings));
    Ok(Answer(Response::new(transports.into_iter().collect())))
}
