//! `POST /_matrix/client/v3/createRoom`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom)).

use axum::extract::State;
use pli_appservice::AppServices;
use pli_rooms::{CreateRoom, InitialState, Preset, Rooms};
use ruma::{
    api::client::room::{
        Visibility,
        create_room::v3::{Request, Response, RoomPreset},
    },
    events::{AnyInitialStateEvent, StateEventType},
    serde::Raw,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn create(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    if !request.invite_3pid.is_empty() {
        return Err(MatrixError::bad_request(
            "M_THREEPID_DENIED",
            "people are invited by their user id here: look them up in the directory",
        ));
    }
    if let Some(localpart) = &request.room_alias_name {
        app_services.check_alias_localpart(&requester, localpart)?;
    }
    for invited in &request.invite {
        app_services.ask_for_user(invited).await?;
    }
    let preset = match request.preset {
        None => None,
        Some(RoomPreset::PrivateChat) => Some(Preset::PrivateChat),
        Some(RoomPreset::TrustedPrivateChat) => Some(Preset::TrustedPrivateChat),
        Some(RoomPreset::PublicChat) => Some(Preset::PublicChat),
        Some(other) => {
            return Err(MatrixError::invalid_param(format!("there is no preset {other}")));
        }
    };
    let initial_state =
        request.initial_state.iter().map(initial_state).collect::<Result<_, MatrixError>>()?;
    let room_id = rooms
        .create_room(CreateRoom {
            creator: requester.user_id,
            room_version: request.room_version,
            creation_content: request.creation_content.map(Raw::into_json),
            preset,
            is_public: request.visibility == Visibility::Public,
            alias_localpart: request.room_alias_name,
            name: request.name.filter(|name| !name.is_empty()),
            topic: request.topic.filter(|topic| !topic.is_empty()),
            initial_state,
            power_level_content_override: request.power_level_content_override.map(Raw::into_json),
            invite: request.invite,
            is_direct: request.is_direct,
        })
        .await?;
    Ok(Answer(Response::new(room_id)))
}

fn initial_state(event: &Raw<AnyInitialStateEvent>) -> Result<InitialState, MatrixError> {
    #[derive(Deserialize)]
    struct Event {
        r#type: StateEventType,
        #[serde(default)]
        state_key: String,
        content: Box<RawValue>,
    }
    let Event { r#type: event_type, state_key, content } = event
        .deserialize_as_unchecked()
        .map_err(|error| MatrixError::bad_json(format!("initial_state: {error}")))?;
    Ok(InitialState { event_type, state_key, content })
}
