//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)).

use axum::{
    body::Body,
    extract::{self, FromRequest, FromRequestParts, RawPathParams, State},
};
use pli_accounts::Profiles;
use pli_rooms::Rooms;
use ruma::api::client::profile::set_profile_field::v3::{Request, Response};
use serde_json::{Map, Value};

use super::{check_owner, set};
use crate::{
    MatrixError,
    extract::{Answer, MAX_JSON_BODY, Reply, Ruma, read_body},
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

impl<S> FromRequest<S> for FieldRequest
where
    S: Send + Sync,
    Ruma<Request>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, MatrixError> {
        let (mut parts, body) = request.into_parts();
        let path = RawPathParams::from_request_parts(&mut parts, state).await;
        let body = read_body(body, MAX_JSON_BODY).await?;
        let fields = serde_json::from_slice::<Map<String, Value>>(&body).unwrap_or_default();
        let field = path.ok().and_then(|path| {
            let (_, field) = path.iter().find(|(name, _)| *name == "field")?;
            Some(field.to_owned())
        });
        let request = extract::Request::from_parts(parts, Body::from(body));
        // Who asks and everything else about the form come first.
        match (Ruma::from_request(request, state).await, field) {
            (Ok(ruma), _) => Ok(Self(ruma)),
            (Err(error), Some(field))
                if error.errcode() == "M_NOT_JSON"
                    && !fields.is_empty()
                    && !fields.contains_key(&field) =>
            {
                Err(MatrixError::missing_param(format!("the body has no `{field}`")))
            }
            (Err(error), _) => Err(error),
        }
    }
}
