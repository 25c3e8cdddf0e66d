use pli_store::{Batch, Direction, Expect, Snapshot};
use ruma::{
    OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId,
    events::{StateEventType, TimelineEventType},
    room_version_rules::AuthorizationRules,
};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::{CreateRoom, InitialState, MembershipChange, Preset, SetState};
use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{ALIAS, PUBLIC_ROOM, ROOM_ALIAS},
    rows::{AliasRow, MembershipKind},
    state::StateRoot,
};

/// The state that a room's replacement begins with, besides its power levels and who is banned.
const TRANSFERRED: [StateEventType; 8] = [
    StateEventType::RoomServerAcl,
    StateEventType::RoomEncryption,
    StateEventType::RoomName,
    StateEventType::RoomAvatar,
    StateEventType::RoomTopic,
    StateEventType::RoomGuestAccess,
    StateEventType::RoomHistoryVisibility,
    StateEventType::RoomJoinRules,
];

/// How many bans and children of a space are part of the new room from its first moment; further
/// bans follow.
const MOST_TRANSFERRED: usize = 900;

/// How many aliases a room can have.
const MOST_ALIASES: usize = 1000;

/// What a room's administrator can do, for people who had all power without a level.
const ADMINISTRATOR: i64 = 100;

/// A room to replace by one of another version.
#[derive(Clone, Debug)]
pub struct UpgradeRoom {
    /// Who does it.
    pub user_id: OwnedUserId,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The version of the new room.
    pub new_version: RoomVersionId,
    /// Who creates the new room besides, if its version knows of that.
    pub additional_creators: Vec<OwnedUserId>,
}

/// What the old room is like.
struct OldRoom {
    create_content: Map<String, Value>,
    last_event_id: Option<String>,
    /// Everybody who has all power without a level.
    creators: Vec<String>,
    /// The power levels, if any are set.
    levels: Option<Map<String, Value>>,
    initial_state: Vec<InitialState>,
    /// Who is banned, and why, for whom there is no room in the first batch.
    more_bans: Vec<(OwnedUserId, Option<String>)>,
    is_listed: bool,
    aliases: Vec<OwnedRoomAliasId>,
    canonical_alias: Option<Map<String, Value>>,
}

impl Rooms {
    /// Replaces a room: creates another one like it, sends people there, and leaves the old one to be
    /// read
    /// ([specification](https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-19)).
    ///
    /// # Errors
    /// [`RoomError::UnsupportedRoomVersion`], [`RoomError::UnknownRoom`], [`RoomError::Forbidden`]
    /// unless the user may send `m.room.tombstone`; when the store fails.
    pub async fn upgrade_room(&self, upgrade: UpgradeRoom) -> Result<OwnedRoomId, RoomError> {
        // A task of its own, so that a caller who goes away leaves nothing half-done.
        let rooms = self.clone();
        let upgrade = async move { rooms.try_upgrade_room(upgrade).await };
        tokio::spawn(upgrade).await.unwrap_or(Err(RoomError::Interrupted))
    }

    async fn try_upgrade_room(&self, upgrade: UpgradeRoom) -> Result<OwnedRoomId, RoomError> {
        let UpgradeRoom { user_id, room_id, new_version, additional_creators } = upgrade;
        let rules = pli_events::room_version_rules(&new_version)
            .map_err(|_| RoomError::UnsupportedRoomVersion(new_version.clone()))?;
        let rules = &rules.authorization;
        let snapshot = self.inner.store.snapshot().await?;
        let levels = self.power_levels(&snapshot, &room_id).await?;
        let may_close = self.is_joined(&snapshot, &user_id, &room_id).await?
            && levels.allows_to_send(&user_id, &TimelineEventType::RoomTombstone, Some(""));
        if !may_close {
            return Err(RoomError::Forbidden("you may not upgrade this room".to_owned()));
        }
        let old = self.old_room(&snapshot, &room_id).await?;
        drop(snapshot);

        let creation_content = creation_content(&old, &room_id, rules, &additional_creators);
        let (first_levels, final_levels) = new_levels(&old, &user_id, rules, &additional_creators);
        let new_room_id = self
            .create_room(CreateRoom {
                room_version: Some(new_version),
                creation_content: Some(raw(&Value::Object(creation_content))?),
                preset: Some(Preset::PrivateChat),
                is_public: old.is_listed,
                initial_state: old.initial_state.clone(),
                power_level_content_override: Some(raw(&Value::Object(first_levels))?),
                ..CreateRoom::new(user_id.clone())
            })
            .await?;

        let tombstone = json!({
            "body": "This room has been replaced",
            "replacement_room": new_room_id,
        });
        self.set(&user_id, &room_id, StateEventType::RoomTombstone, &tombstone).await?;
        self.move_aliases(&user_id, &room_id, &new_room_id, &old).await?;
        if let Some(levels) = final_levels {
            let levels = Value::Object(levels);
            unless_forbidden(
                self.set(&user_id, &new_room_id, StateEventType::RoomPowerLevels, &levels).await,
            )?;
        }
        // Nobody goes on talking in the old room by mistake. Who closed it need not be able to.
        let levels = Value::Object(closed_levels(&old));
        unless_forbidden(
            self.set(&user_id, &room_id, StateEventType::RoomPowerLevels, &levels).await,
        )?;
        for (banned, reason) in old.more_bans {
            let change = MembershipChange::new(user_id.clone(), new_room_id.clone());
            unless_forbidden(self.ban(change.because(reason), banned).await)?;
        }
        Ok(new_room_id)
    }

    async fn old_room(&self, snapshot: &Snapshot, room_id: &RoomId) -> Result<OldRoom, RoomError> {
        let unknown = || RoomError::UnknownRoom(room_id.to_owned());
        let (head, _) = self.head(snapshot, room_id).await?.ok_or_else(unknown)?;
        let create = self.event(snapshot, &head.create_event_id).await?.ok_or_else(unknown)?;
        let create_content: Map<String, Value> = create.pdu.content_as().unwrap_or_default();
        let old_rules = &pli_events::room_version_rules(&head.room_version)?.authorization;
        let mut creators = Vec::new();
        if old_rules.explicitly_privilege_room_creators {
            creators.push(create.pdu.sender().to_string());
            let more = create_content.get("additional_creators").and_then(Value::as_array);
            let more = more.into_iter().flatten().filter_map(Value::as_str);
            creators.extend(more.map(ToOwned::to_owned));
        }

        let root = head.state;
        let mut initial_state = Vec::new();
        for event_type in TRANSFERRED {
            match self.state_event(snapshot, root, &event_type, "").await? {
                Some(event) => initial_state.push(InitialState {
                    event_type,
                    state_key: String::new(),
                    content: event.pdu.content().to_owned(),
                }),
                // A new room lets guests in unless it says otherwise; the old one didn't.
                None if event_type == StateEventType::RoomGuestAccess => {
                    initial_state.push(InitialState {
                        event_type,
                        state_key: String::new(),
                        content: raw(&json!({ "guest_access": "forbidden" }))?,
                    });
                }
                None => {}
            }
        }
        let children = self.states().entries_of_type(snapshot, root, "m.space.child").await?;
        for child in children.into_iter().take(MOST_TRANSFERRED / 2) {
            let Some(event) = self.event(snapshot, &child.event_id).await? else { continue };
            // Without content it was taken out.
            if event.pdu.content_as::<Map<String, Value>>().is_ok_and(|it| !it.is_empty()) {
                initial_state.push(InitialState {
                    event_type: StateEventType::SpaceChild,
                    state_key: child.state_key.to_string(),
                    content: event.pdu.content().to_owned(),
                });
            }
        }
        let mut more_bans = Vec::new();
        for member in self.members(snapshot, room_id, MembershipKind::Ban).await? {
            let event = self.event(snapshot, &member.row.event_id).await?;
            let content = event.and_then(|event| event.pdu.content_as::<Value>().ok());
            let reason =
                content.and_then(|content| content.get("reason")?.as_str().map(str::to_owned));
            if initial_state.len() >= MOST_TRANSFERRED {
                more_bans.push((member.user_id, reason));
                continue;
            }
            let mut content = json!({ "membership": "ban" });
            if let Some(reason) = reason {
                content["reason"] = reason.into();
            }
            initial_state.push(InitialState {
                event_type: StateEventType::RoomMember,
                state_key: member.user_id.to_string(),
                content: raw(&content)?,
            });
        }

        let range = ROOM_ALIAS.prefix((room_id,));
        let aliases = snapshot.scan(&ROOM_ALIAS, range, MOST_ALIASES, Direction::Forward).await?;
        let last_event_id = head.extremities.first().map(|last| last.event_id.to_string());
        Ok(OldRoom {
            create_content,
            last_event_id,
            creators,
            levels: self.content_of(snapshot, root, StateEventType::RoomPowerLevels).await?,
            initial_state,
            more_bans,
            is_listed: snapshot.get(&PUBLIC_ROOM, room_id).await?.is_some(),
            aliases: aliases.into_iter().map(|row| row.key.1).collect(),
            canonical_alias: self
                .content_of(snapshot, root, StateEventType::RoomCanonicalAlias)
                .await?,
        })
    }

    async fn content_of(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
        event_type: StateEventType,
    ) -> Result<Option<Map<String, Value>>, RoomError> {
        let event = self.state_event(snapshot, root, &event_type, "").await?;
        Ok(event.and_then(|event| event.pdu.content_as().ok()))
    }

    /// Makes the aliases of this server point to the new room, takes the old one out of the
    /// directory, and moves the main alias.
    async fn move_aliases(
        &self,
        user_id: &OwnedUserId,
        old_room_id: &OwnedRoomId,
        new_room_id: &OwnedRoomId,
        old: &OldRoom,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let mut batch = Batch::new();
        for alias in &old.aliases {
            // Somebody may have taken it away meanwhile.
            let Some((row, version)) = snapshot.get_versioned(&ALIAS, alias).await? else {
                continue;
            };
            if row.room_id != *old_room_id {
                continue;
            }
            let row = AliasRow { room_id: new_room_id.clone(), ..row };
            batch
                .require(&ALIAS, alias, Expect::Version(version))
                .put(&ALIAS, alias, &row)
                .delete(&ROOM_ALIAS, (old_room_id, alias))
                .put(&ROOM_ALIAS, (new_room_id, alias), &());
        }
        drop(snapshot);
        if old.is_listed {
            batch.delete(&PUBLIC_ROOM, old_room_id);
        }
        if !batch.is_empty() {
            self.inner.store.commit(batch).await?;
        }

        let Some(canonical) = &old.canonical_alias else { return Ok(()) };
        let is_moved = |alias: &Value| {
            alias.as_str().is_some_and(|alias| old.aliases.iter().any(|moved| moved == alias))
        };
        let mut content = canonical.clone();
        content.retain(|field, value| field != "alias" || is_moved(value));
        if let Some(Value::Array(others)) = content.get_mut("alt_aliases") {
            others.retain(|alias| is_moved(alias));
        }
        let event_type = StateEventType::RoomCanonicalAlias;
        if !content.is_empty() {
            let content = Value::Object(content);
            unless_forbidden(self.set(user_id, new_room_id, event_type.clone(), &content).await)?;
        }
        unless_forbidden(self.set(user_id, old_room_id, event_type, &json!({})).await)
    }

    async fn set(
        &self,
        sender: &OwnedUserId,
        room_id: &OwnedRoomId,
        event_type: StateEventType,
        content: &Value,
    ) -> Result<(), RoomError> {
        self.set_state(SetState {
            sender: sender.clone(),
            room_id: room_id.clone(),
            event_type,
            state_key: String::new(),
            content: raw(content)?,
            timestamp: None,
            sticky: None,
        })
        .await?;
        Ok(())
    }
}

fn raw(value: &Value) -> Result<Box<RawValue>, RoomError> {
    to_raw_value(value).map_err(|error| RoomError::BadContent(error.to_string()))
}

/// What is done if it may be done.
fn unless_forbidden<T>(outcome: Result<T, RoomError>) -> Result<(), RoomError> {
    match outcome {
        Ok(_) | Err(RoomError::Forbidden(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn creation_content(
    old: &OldRoom,
    old_room_id: &RoomId,
    rules: &AuthorizationRules,
    additional_creators: &[OwnedUserId],
) -> Map<String, Value> {
    let mut content = old.create_content.clone();
    for field in ["creator", "room_version", "predecessor", "additional_creators"] {
        content.remove(field);
    }
    let mut predecessor = json!({ "room_id": old_room_id });
    // The event is named for versions whose clients look for it.
    if !rules.explicitly_privilege_room_creators
        && let Some(last) = &old.last_event_id
    {
        predecessor["event_id"] = last.as_str().into();
    }
    content.insert("predecessor".to_owned(), predecessor);
    if rules.explicitly_privilege_room_creators && !additional_creators.is_empty() {
        content.insert("additional_creators".to_owned(), json!(additional_creators));
    }
    content
}

/// The power levels to create the new room with, and those to end with if they differ.
fn new_levels(
    old: &OldRoom,
    user_id: &OwnedUserId,
    rules: &AuthorizationRules,
    additional_creators: &[OwnedUserId],
) -> (Map<String, Value>, Option<Map<String, Value>>) {
    let mut levels = old.levels.clone().unwrap_or_default();
    // What isn't set has its default, not that of a new room.
    levels.entry("events").or_insert_with(|| json!({}));
    let had_levels = old.levels.is_some();
    let highest = highest_needed(&levels);
    let users = levels.entry("users").or_insert_with(|| json!({}));
    if !users.is_object() {
        *users = json!({});
    }
    let Some(users) = users.as_object_mut() else { return (levels, None) };
    if rules.explicitly_privilege_room_creators {
        // Creators have all power without a level, and may have none.
        users.remove(user_id.as_str());
        for creator in additional_creators {
            users.remove(creator.as_str());
        }
        return (levels, None);
    }
    for creator in &old.creators {
        users.insert(creator.clone(), highest.into());
    }
    let own = users.get(user_id.as_str()).and_then(Value::as_i64);
    if !had_levels || own.is_some_and(|own| own >= highest) {
        users.entry(user_id.as_str()).or_insert_with(|| highest.into());
        return (levels, None);
    }
    // Who sets up the new room needs power for all of it; afterwards they have what they had.
    let last = levels.clone();
    if let Some(users) = levels.get_mut("users").and_then(Value::as_object_mut) {
        users.insert(user_id.to_string(), highest.into());
    }
    (levels, Some(last))
}

/// The highest level that anything needs.
fn highest_needed(levels: &Map<String, Value>) -> i64 {
    let events = levels.get("events").and_then(Value::as_object);
    let of_events = events.into_iter().flat_map(Map::values).filter_map(Value::as_i64);
    let actions = levels.values().filter_map(Value::as_i64);
    of_events.chain(actions).fold(ADMINISTRATOR, i64::max)
}

/// The old room's power levels once it is closed: only who has more power than others may speak or
/// invite.
fn closed_levels(old: &OldRoom) -> Map<String, Value> {
    let mut levels = old.levels.clone().unwrap_or_default();
    let level = |levels: &Map<String, Value>, field: &str| {
        levels.get(field).and_then(Value::as_i64).unwrap_or(0)
    };
    let least = level(&levels, "users_default").saturating_add(1).max(50);
    for field in ["events_default", "invite"] {
        let level = level(&levels, field).max(least);
        levels.insert(field.to_owned(), level.into());
    }
    levels
}
