//! `POST /_matrix/client/v3/account/deactivate`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate)).

use axum::extract::State;
use pli_accounts::{Credentials, Sessions};
use ruma::api::client::account::{
    ThirdPartyIdRemovalStatus,
    deactivate::v3::{Request, Response},
};

use crate::{
    MatrixError,
    departures::Departures,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn deactivate(
    State(credentials): State<Credentials>,
    State(sessions): State<Sessions>,
    State(departures): State<Departures>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let requester = requester.ok_or_else(MatrixError::missing_token)?;
    sessions.check_not_granted(&requester).await?;
    let user_id = &requester.user_id;
    let erase = request.erase;
    let permit = credentials.authorise_deactivation(user_id, erase, request.auth.as_ref()).await?;
    credentials.deactivate(user_id, erase, &permit).await?;
    departures.begin(user_id);
    Ok(Answer(Response::new(ThirdPartyIdRemovalStatus::NoSupport)))
}
