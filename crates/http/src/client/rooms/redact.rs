//! `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid)).

use axum::{
    extract::{FromRequest, Request as HttpRequest, State},
    response::IntoResponse,
};
use pli_rooms::{Redaction, Rooms};
use ruma::api::client::redact::redact_event::v3::{Request, Response};
use serde::Deserialize;

use crate::{
    AppState, MatrixError,
    extract::{Admitted, Answer, Ruma},
    layer::echo::{Client, Echoes},
};

pub(in crate::client) async fn redact(
    State(rooms): State<Rooms>,
    State(echoes): State<Echoes>,
    client: Client,
    RedactBody { ruma: Ruma { request, requester }, with_relations }: RedactBody,
) -> Result<axum::response::Response, MatrixError> {
    let sending = echoes.begin(client);
    let redaction = Redaction {
        sender: requester.user_id,
        device_id: requester.device_id,
        room_id: request.room_id,
        event_id: request.event_id,
        reason: request.reason,
        transaction_id: request.txn_id,
    };
    let event_id = rooms.redact_with_relations(redaction, &with_relations).await?;
    Ok(sending.until_answered(Answer(Response::new(event_id)).into_response()))
}

/// A redaction, and what ruma's type doesn't tell of it.
pub(in crate::client) struct RedactBody {
    ruma: Ruma<Request>,
    /// What refers to the event in these ways goes with it; `*` stands for all (MSC3912).
    with_relations: Vec<String>,
}

#[derive(Default, Deserialize)]
struct WithRelations {
    with_rel_types: Option<Vec<String>>,
    #[serde(rename = "org.matrix.msc3912.with_relations")]
    unstable: Option<Vec<String>>,
}

impl FromRequest<AppState> for RedactBody {
    type Rejection = MatrixError;

    async fn from_request(request: HttpRequest, state: &AppState) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<Request>::read(request, state)).await?;
        // Whether it is JSON at all comes first.
        let ruma = admitted.parse(&body)?;
        let with: WithRelations =
            if body.is_empty() { WithRelations::default() } else { serde_json::from_slice(&body)? };
        let with_relations = with.with_rel_types.or(with.unstable).unwrap_or_default();
        Ok(Self { ruma, with_relations })
    }
}
