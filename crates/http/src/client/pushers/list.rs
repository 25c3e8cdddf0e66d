//! `GET /_matrix/client/v3/pushers`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers)).

use axum::{Json, extract::State};
use pli_push::{KnownPusher, Pushers};
use ruma::{
    OwnedDeviceId,
    api::client::push::{Pusher, get_pushers::v3::Request},
};
use serde::Serialize;

use crate::{MatrixError, extract::Ruma};

#[derive(Serialize)]
pub(super) struct Body {
    pushers: Vec<Listed>,
}

/// A pusher, and which device it rings on, or doesn't for now
/// ([MSC3881](https://github.com/matrix-org/matrix-spec-proposals/pull/3881)).
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    pusher: Pusher,
    #[serde(rename = "org.matrix.msc3881.enabled")]
    enabled: bool,
    #[serde(rename = "org.matrix.msc3881.device_id")]
    device_id: OwnedDeviceId,
}

impl From<KnownPusher> for Listed {
    fn from(KnownPusher { pusher, enabled, device_id }: KnownPusher) -> Self {
        Self { pusher, enabled, device_id }
    }
}

pub(super) async fn list(
    State(pushers): State<Pushers>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Result<Json<Body>, MatrixError> {
    let pushers = pushers.list(&requester.user_id).await?;
    Ok(Json(Body { pushers: pushers.into_iter().map(Listed::from).collect() }))
}
