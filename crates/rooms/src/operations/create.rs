use pli_store::{CommitError, Expect};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomVersionId, UserId,
    events::{StateEventType, TimelineEventType},
    room_version_rules::RoomVersionRules,
};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::membership::NewMembership;
use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{ALIAS, PUBLIC_ROOM, ROOM_ALIAS},
    lazy_snapshot::LazySnapshot,
    log::{NewEvent, RoomTransaction},
    rows::AliasRow,
};

/// How many people a room can be created with.
const MOST_INVITES: usize = 1000;
/// How many state events a room can be created with.
const MOST_INITIAL_STATE: usize = 1000;

/// How often a room is created again after another one took its id.
const MOST_ATTEMPTS: u32 = 64;

/// A room to create.
#[derive(Clone, Debug)]
pub struct CreateRoom {
    /// Who creates it.
    pub creator: OwnedUserId,
    /// The version; the configured one if absent.
    pub room_version: Option<RoomVersionId>,
    /// More content of the create event: a JSON object.
    pub creation_content: Option<Box<RawValue>>,
    /// What to start from; if absent it follows from whether the room is public.
    pub preset: Option<Preset>,
    /// Whether the public directory lists it.
    pub is_public: bool,
    /// The local part of its alias.
    pub alias_localpart: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// More state to begin with; it goes before what the preset says.
    pub initial_state: Vec<InitialState>,
    /// What to put over the usual power levels: a JSON object.
    pub power_level_content_override: Option<Box<RawValue>>,
    /// Whom to invite.
    pub invite: Vec<OwnedUserId>,
    /// Whether a conversation between two is meant.
    pub is_direct: bool,
}

impl CreateRoom {
    /// A private room without anything special.
    #[must_use]
    pub fn new(creator: OwnedUserId) -> Self {
        Self {
            creator,
            room_version: None,
            creation_content: None,
            preset: None,
            is_public: false,
            alias_localpart: None,
            name: None,
            topic: None,
            initial_state: Vec::new(),
            power_level_content_override: None,
            invite: Vec::new(),
            is_direct: false,
        }
    }
}

/// A state event to create a room with.
#[derive(Clone, Debug)]
pub struct InitialState {
    /// The event's type.
    pub event_type: StateEventType,
    /// The state key.
    pub state_key: String,
    /// The content: a JSON object.
    pub content: Box<RawValue>,
}

/// What a new room starts from
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// By invitation.
    PrivateChat,
    /// By invitation; everybody invited has the creator's power.
    TrustedPrivateChat,
    /// Open to all users of this server and of others.
    PublicChat,
}

/// A request whose parts have been checked.
struct Plan {
    request: CreateRoom,
    version: RoomVersionId,
    preset: Preset,
    alias: Option<OwnedRoomAliasId>,
    create_content: Box<RawValue>,
    rules: &'static RoomVersionRules,
}

impl Rooms {
    /// Creates a room, its members' invitations included, all at once or not at all.
    ///
    /// # Errors
    /// [`RoomError::UnsupportedRoomVersion`], [`RoomError::InvalidRoomState`],
    /// [`RoomError::AliasInUse`], [`RoomError::InvalidParam`], [`RoomError::BadContent`]; when the
    /// store fails.
    pub async fn create_room(&self, request: CreateRoom) -> Result<OwnedRoomId, RoomError> {
        let version = request.room_version.clone();
        let version = version.unwrap_or_else(|| self.inner.config.default_room_version.clone());
        let rules = pli_events::room_version_rules(&version)
            .map_err(|_| RoomError::UnsupportedRoomVersion(version.clone()))?;
        if request.invite.len() > MOST_INVITES || request.initial_state.len() > MOST_INITIAL_STATE {
            return Err(RoomError::InvalidParam(format!(
                "at most {MOST_INVITES} invitations and {MOST_INITIAL_STATE} state events are \
                 allowed: create the room first, then go on"
            )));
        }
        let invited: Vec<&UserId> = request.invite.iter().map(|user_id| &**user_id).collect();
        self.check_invites(&request.creator, invited).await?;
        let alias = self.requested_alias(&request)?;
        let preset = request.preset.unwrap_or(if request.is_public {
            Preset::PublicChat
        } else {
            Preset::PrivateChat
        });
        let creators_are_privileged = rules.authorization.explicitly_privilege_room_creators;
        let create_content =
            create_content(&request, &version, preset, creators_are_privileged, rules)?;
        let plan = Plan { request, version, preset, alias, create_content, rules };
        // This is a task of its own, so that a caller who goes away leaves nothing half-done.
        let rooms = self.clone();
        let create = async move {
            for attempt in 0..MOST_ATTEMPTS {
                match rooms.try_create_room(&plan, attempt).await {
                    Err(RoomError::Busy) => {}
                    outcome => {
                        if let Ok(room_id) = &outcome {
                            rooms.take_along_if_possible(&plan.request.creator, room_id).await;
                        }
                        return outcome;
                    }
                }
            }
            Err(RoomError::Busy)
        };
        tokio::spawn(create).await.unwrap_or(Err(RoomError::Interrupted))
    }

    async fn try_create_room(&self, plan: &Plan, attempt: u32) -> Result<OwnedRoomId, RoomError> {
        let Plan { request, version, preset, alias, create_content, rules } = plan;
        // The create event of newer versions names no room: its hash does.
        let room_id = if rules.authorization.room_create_event_id_as_room_id {
            None
        } else {
            Some(self.new_room_id()?)
        };
        // So two alike rooms that somebody creates within a millisecond must not share their time.
        let now = self.inner.ambient.now().0.saturating_add(attempt.into());
        let create = NewEvent {
            timestamp: Some(MilliSecondsSinceUnixEpoch(now)),
            ..NewEvent::state(
                &request.creator,
                TimelineEventType::RoomCreate,
                "",
                create_content.clone(),
            )
        };
        let source = LazySnapshot::of(&self.inner.store);
        let mut transaction =
            RoomTransaction::create(self, source, room_id, version, create).await?;
        let creators_are_privileged = rules.authorization.explicitly_privilege_room_creators;
        self.furnish(&mut transaction, request, *preset, alias.as_ref(), creators_are_privileged)
            .await
            .map_err(not_forbidden)?;
        let room_id = transaction.room_id.clone();
        match transaction.commit().await {
            Ok(_) => Ok(room_id),
            Err(CommitError::Conflict(conflict)) if conflict.keyspace == ALIAS.name() => {
                Err(alias.clone().map_or(RoomError::Busy, RoomError::AliasInUse))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn new_room_id(&self) -> Result<OwnedRoomId, RoomError> {
        let localpart = self.inner.ambient.random_string(18);
        OwnedRoomId::try_from(format!("!{localpart}:{}", self.inner.config.server_name))
            .map_err(|error| RoomError::InvalidParam(format!("not a room id: {error}")))
    }

    fn requested_alias(&self, request: &CreateRoom) -> Result<Option<OwnedRoomAliasId>, RoomError> {
        let Some(localpart) = &request.alias_localpart else { return Ok(None) };
        let alias = format!("#{localpart}:{}", self.inner.config.server_name);
        let invalid = || RoomError::InvalidParam(format!("{localpart} can't be an alias"));
        if localpart.is_empty() || localpart.contains([':', '#', '\0']) || alias.len() > 255 {
            return Err(invalid());
        }
        OwnedRoomAliasId::try_from(alias).map(Some).map_err(|_| invalid())
    }

    /// Appends everything that follows the create event, in the order that the specification gives.
    async fn furnish(
        &self,
        transaction: &mut RoomTransaction<'_>,
        request: &CreateRoom,
        preset: Preset,
        alias: Option<&OwnedRoomAliasId>,
        creators_are_privileged: bool,
    ) -> Result<(), RoomError> {
        let creator = &request.creator;
        let (displayname, avatar_url) = self.profile_from(&transaction.source, creator).await?;
        let join =
            NewMembership { membership: "join", displayname, avatar_url, ..Default::default() };
        transaction
            .append(NewEvent::state(
                creator,
                TimelineEventType::RoomMember,
                creator.as_str(),
                join.to_content()?,
            ))
            .await?;
        let levels = power_levels(request, preset, creators_are_privileged)?;
        set(transaction, creator, TimelineEventType::RoomPowerLevels, levels).await?;

        if let Some(alias) = alias {
            let room_id = &transaction.room_id;
            let row = AliasRow { room_id: room_id.clone(), creator: creator.clone() };
            transaction.batch.require(&ALIAS, alias, Expect::Absent).put(&ALIAS, alias, &row).put(
                &ROOM_ALIAS,
                (room_id, alias),
                &(),
            );
            let content = json!({ "alias": alias });
            set(transaction, creator, TimelineEventType::RoomCanonicalAlias, content).await?;
        }
        if request.is_public {
            transaction.batch.put(&PUBLIC_ROOM, &transaction.room_id, &());
        }

        let says = |event_type: &StateEventType| {
            let matches = |state: &InitialState| {
                state.event_type == *event_type && state.state_key.is_empty()
            };
            request.initial_state.iter().any(matches)
        };
        let (join_rule, guest_access) = match preset {
            Preset::PublicChat => ("public", "forbidden"),
            Preset::PrivateChat | Preset::TrustedPrivateChat => ("invite", "can_join"),
        };
        for (event_type, content) in [
            (StateEventType::RoomJoinRules, json!({ "join_rule": join_rule })),
            (StateEventType::RoomHistoryVisibility, json!({ "history_visibility": "shared" })),
            (StateEventType::RoomGuestAccess, json!({ "guest_access": guest_access })),
        ] {
            if !says(&event_type) {
                set(transaction, creator, event_type.into(), content).await?;
            }
        }
        for state in &request.initial_state {
            transaction
                .append(NewEvent::state(
                    creator,
                    state.event_type.clone().into(),
                    state.state_key.clone(),
                    state.content.clone(),
                ))
                .await?;
        }
        if let Some(name) = &request.name {
            set(transaction, creator, TimelineEventType::RoomName, json!({ "name": name })).await?;
        }
        if let Some(topic) = &request.topic {
            let content = json!({
                "topic": topic,
                "m.topic": { "m.text": [{ "body": topic }] },
            });
            set(transaction, creator, TimelineEventType::RoomTopic, content).await?;
        }

        let mut invited: Vec<&OwnedUserId> = Vec::new();
        for user_id in &request.invite {
            if invited.contains(&user_id) {
                continue;
            }
            invited.push(user_id);
            let (displayname, avatar_url) = self.profile_from(&transaction.source, user_id).await?;
            let invitation = NewMembership {
                membership: "invite",
                displayname,
                avatar_url,
                is_direct: request.is_direct,
                ..Default::default()
            };
            let event = NewEvent::state(
                creator,
                TimelineEventType::RoomMember,
                user_id.as_str(),
                invitation.to_content()?,
            );
            transaction.append(event).await?;
        }
        Ok(())
    }
}

async fn set(
    transaction: &mut RoomTransaction<'_>,
    creator: &OwnedUserId,
    event_type: TimelineEventType,
    content: Value,
) -> Result<(), RoomError> {
    let content = raw(&content)?;
    transaction.append(NewEvent::state(creator, event_type, "", content)).await?;
    Ok(())
}

fn raw(value: &Value) -> Result<Box<RawValue>, RoomError> {
    to_raw_value(value).map_err(|error| RoomError::BadContent(error.to_string()))
}

/// In a room that doesn't exist yet nobody is forbidden anything: the state asked for contradicts
/// itself.
fn not_forbidden(error: RoomError) -> RoomError {
    match error {
        RoomError::Forbidden(reason) => RoomError::InvalidRoomState(reason),
        other => other,
    }
}

fn object(json: Option<&RawValue>, what: &str) -> Result<Map<String, Value>, RoomError> {
    let Some(json) = json else { return Ok(Map::new()) };
    serde_json::from_str(json.get())
        .map_err(|_| RoomError::BadContent(format!("{what} must be a JSON object")))
}

fn create_content(
    request: &CreateRoom,
    version: &RoomVersionId,
    preset: Preset,
    creators_are_privileged: bool,
    rules: &RoomVersionRules,
) -> Result<Box<RawValue>, RoomError> {
    let mut content = object(request.creation_content.as_deref(), "creation_content")?;
    content.insert("room_version".to_owned(), version.as_str().into());
    // Up to version 10 the content names the creator, since then the sender is it.
    content.remove("creator");
    if !rules.authorization.use_room_create_sender {
        content.insert("creator".to_owned(), request.creator.as_str().into());
    }
    // Those who are trusted like the creator are creators since version 12.
    if creators_are_privileged && preset == Preset::TrustedPrivateChat && !request.invite.is_empty()
    {
        let more = content.entry("additional_creators").or_insert_with(|| json!([]));
        if let Value::Array(more) = more {
            for user_id in &request.invite {
                let user_id = Value::from(user_id.as_str());
                if !more.contains(&user_id) {
                    more.push(user_id);
                }
            }
        }
    }
    raw(&Value::Object(content))
}

fn power_levels(
    request: &CreateRoom,
    preset: Preset,
    creators_are_privileged: bool,
) -> Result<Value, RoomError> {
    let mut users = Map::new();
    // Since version 12 creators have all power without being named.
    if !creators_are_privileged {
        users.insert(request.creator.to_string(), 100.into());
        if preset == Preset::TrustedPrivateChat {
            users.extend(request.invite.iter().map(|user_id| (user_id.to_string(), 100.into())));
        }
    }
    let tombstone = if creators_are_privileged { 150 } else { 100 };
    let invite = if preset == Preset::PublicChat { 50 } else { 0 };
    let mut levels = json!({
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.avatar": 50,
            "m.room.canonical_alias": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.encryption": 100,
            "m.room.server_acl": 100,
            "m.room.tombstone": tombstone,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": invite,
        "notifications": { "room": 50 },
    });
    let overrides = request.power_level_content_override.as_deref();
    for (field, value) in object(overrides, "power_level_content_override")? {
        levels[field] = value;
    }
    Ok(levels)
}
