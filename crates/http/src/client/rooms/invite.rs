//! `POST /_matrix/client/v3/rooms/{roomId}/invite`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite)).

use axum::extract::State;
use http::StatusCode;
use pli_appservice::AppServices;
use pli_rooms::{MembershipChange, Rooms};
use ruma::api::client::membership::invite_user::v3::{InvitationRecipient, Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn invite(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let InvitationRecipient::UserId(invited) = request.recipient else {
        // There is no identity server that could say who has the address, or send an invitation.
        return Err(MatrixError::new(
            StatusCode::FORBIDDEN,
            "M_THREEPID_DENIED",
            "people are invited by their user id here: look them up in the directory",
        ));
    };
    app_services.ask_for_user(&invited.user_id).await?;
    let change = MembershipChange::new(requester.user_id, request.room_id).because(invited.reason);
    rooms.invite(change, invited.user_id, false).await?;
    Ok(Answer(Response::new()))
}
