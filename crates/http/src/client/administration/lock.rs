//! `GET` and `PUT /_matrix/client/v1/admin/lock/{userId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminlockuserid)).

use axum::extract::State;
use pli_accounts::Moderation;
use ruma::api::client::admin::{is_user_locked::v1 as get, lock_user::v1 as put};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn is_locked(
    State(moderation): State<Moderation>,
    Ruma { request, requester }: Ruma<get::Request>,
) -> Reply<get::Response> {
    let standing = moderation.standing(&requester.user_id, &request.user_id).await?;
    Ok(Answer(get::Response::new(standing.locked)))
}

pub(in crate::client) async fn lock(
    State(moderation): State<Moderation>,
    Ruma { request, requester }: Ruma<put::Request>,
) -> Reply<put::Response> {
    let locked = request.locked;
    let edit = |standing: &mut pli_accounts::Standing| standing.locked = locked;
    let standing = moderation.change(&requester.user_id, &request.user_id, edit).await?;
    Ok(Answer(put::Response::new(standing.locked)))
}
