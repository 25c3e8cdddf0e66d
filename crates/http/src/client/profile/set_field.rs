//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)).

use std::collections::BTreeMap;

use axum::extract::{self, FromRequest, State};
use pli_accounts::Profiles;
use pli_rooms::Rooms;
use ruma::api::client::profile::set_profile_field::v3::{Request, Response};
use serde_json::value::RawValue;

use super::{check_owner, set};
use crate::{
    AppState, MatrixError,
    extract::{Admitted, Answer, Reply, Ruma},
};

pub(in crate::client) async fn set_field(
    State(profiles): State<Profiles>,
    State(rooms): State<Rooms>,
    FieldRequest(Ruma { request, requester }): FieldRequest,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    requester.check_may_speak()?;
    let field = request.value.field_name();
    let value = request.value.value().into_owned();
    set(&profiles, &rooms, &request.user_id, field.as_str(), Some(value)).await?;
    Ok(Answer(Response::new()))
}

/// A request whose body has the field that its path names. For ruma a body without it is no JSON.
pub(in crate::client) struct FieldRequest(Ruma<Request>);

impl FromRequest<AppState> for FieldRequest {
    type Rejection = MatrixError;

    async fn from_request(
        request: extract::Request,
        state: &AppState,
    ) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<Request>::read(request, state)).await?;
        let field = admitted.path_parameter("field").map(ToOwned::to_owned);
        // Everything else about the form comes first.
        match (admitted.parse(&body), field) {
            (Ok(ruma), _) => Ok(Self(ruma)),
            (Err(error), Some(field))
                if error.errcode() == "M_NOT_JSON" && has_others_only(&body, &field) =>
            {
                Err(MatrixError::missing_param(format!("the body has no `{field}`")))
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// Whether a body is an object with fields, but without this one.
fn has_others_only(body: &[u8], field: &str) -> bool {
    serde_json::from_slice::<BTreeMap<String, &RawValue>>(body)
        .is_ok_and(|fields| !fields.is_empty() && !fields.contains_key(field))
}
