//! The sliding sync extension for profiles
//! ([MSC4262](https://github.com/matrix-org/matrix-spec-proposals/pull/4262)).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use pli_accounts::{Profile, Profiles};
use pli_rooms::MembershipKind;
use ruma::{
    OwnedRoomId, OwnedUserId, UserId,
    profile::{ProfileFieldName, UserProfileChanges, UserProfileUpdate},
    serde::Raw,
};

use super::{
    answer::{SlidingAnswering, Told},
    extensions::covers,
    response::RoomResult,
    wanted::Wanted,
};
use crate::{Changes, SyncError, state::MEMBER};

/// Of how many people profiles are read at once.
const AT_ONCE: usize = 500;

impl SlidingAnswering<'_> {
    /// The profiles of the people in rooms that the client is told of for the first time, and what
    /// changed in those of whoever shares a room with the user.
    pub(crate) async fn add_profiles(
        &self,
        wanted: &Wanted,
        told: &mut Told,
    ) -> Result<(), SyncError> {
        let mut users: BTreeMap<OwnedUserId, UserProfileUpdate> = BTreeMap::new();
        let met: Vec<OwnedUserId> = self.people_met(wanted, told).await?.into_iter().collect();
        for some in met.chunks(AT_ONCE) {
            let profiles = Profiles::many_at(&self.base.snapshot, some).await?;
            for (user_id, profile) in some.iter().zip(profiles) {
                let Some(profile) = profile else { continue };
                let mut changes = UserProfileChanges::new();
                for field in profile.fields.keys().filter(|field| self.is_wanted_field(field)) {
                    note(&mut changes, &profile, field);
                }
                if !changes.updated.is_empty() {
                    users.insert(user_id.clone(), UserProfileUpdate::Updated(changes));
                }
            }
        }
        for (user_id, fields) in self.changed_fields().await? {
            // Who is told of from the start is told all.
            if users.contains_key(&user_id) {
                continue;
            }
            let profile = Profiles::get_at(&self.base.snapshot, &user_id).await?;
            let profile = profile.unwrap_or_default();
            let mut changes = UserProfileChanges::new();
            fields.iter().for_each(|field| note(&mut changes, &profile, field));
            users.insert(user_id, UserProfileUpdate::Updated(changes));
        }
        // Who shares no room any more need not be followed. Who went is known where the client follows
        // people's devices, too.
        let mut own_rooms = None;
        for user_id in &told.extensions.e2ee.device_lists.left {
            if !self.shares_room(user_id, &mut own_rooms).await? {
                users.insert(user_id.clone(), UserProfileUpdate::Dropped);
            }
        }
        told.has_extension_news |= !users.is_empty();
        told.extensions.profiles.users = users;
        Ok(())
    }

    fn is_wanted_field(&self, field: &str) -> bool {
        let wanted = &self.request.body.extensions.profiles.fields;
        wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|name| name == field))
    }

    /// Whose profiles the client needs for what it is told of rooms: everybody in a room that is new
    /// to it, or, where it wants members only as it needs them, those of whom it is told just now.
    async fn people_met(
        &self,
        wanted: &Wanted,
        told: &Told,
    ) -> Result<BTreeSet<OwnedUserId>, SyncError> {
        let scope = &self.request.body.extensions.profiles.scope;
        let mut met = BTreeSet::new();
        for room in &wanted.rooms {
            let room_id = &room.room.room_id;
            let Some(result) = told.rooms.get(room_id) else { continue };
            if room.room.membership != MembershipKind::Join || !covers(scope, wanted, room) {
                continue;
            }
            met.extend(members_told(result));
            let is_lazy = wanted.combination(room).state.is_lazy();
            if result.initial == Some(true) && !is_lazy {
                let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
                let members = rooms.members(snapshot, room_id, MembershipKind::Join).await?;
                met.extend(members.into_iter().map(|member| member.user_id));
            }
        }
        Ok(met)
    }

    /// The wanted fields that changed since the request's `pos`, of the user and of those who share a
    /// room with them, shown or not.
    async fn changed_fields(&self) -> Result<BTreeMap<OwnedUserId, BTreeSet<String>>, SyncError> {
        let mut found: BTreeMap<OwnedUserId, BTreeSet<String>> = BTreeMap::new();
        let may_have_changed = match &self.base.changes {
            Changes::Some(news) => news.device_lists || news.own,
            Changes::Nothing => false,
            Changes::Unknown => true,
        };
        if self.base.is_initial() || !may_have_changed {
            return Ok(found);
        }
        let changes = Profiles::changed_since(&self.base.snapshot, self.base.since).await?;
        let Some(changes) = changes else { return self.changed_fields_of_neighbours().await };
        let own = &self.request.user_id;
        let mut strangers: HashSet<OwnedUserId> = HashSet::new();
        let mut own_rooms: Option<HashSet<OwnedRoomId>> = None;
        for change in changes.into_iter().filter(|change| self.is_wanted_field(&change.field)) {
            let user_id = change.user_id;
            if strangers.contains(&user_id) {
                continue;
            }
            let is_known = user_id == *own || found.contains_key(&user_id);
            if !is_known && !self.shares_room(&user_id, &mut own_rooms).await? {
                strangers.insert(user_id);
                continue;
            }
            found.entry(user_id).or_default().insert(change.field);
        }
        Ok(found)
    }

    /// The same for whoever was away while much changed on the server: the work grows with the people
    /// in the user's rooms, whatever others did.
    async fn changed_fields_of_neighbours(
        &self,
    ) -> Result<BTreeMap<OwnedUserId, BTreeSet<String>>, SyncError> {
        let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
        let mut people = HashSet::from([self.request.user_id.clone()]);
        for room_id in rooms.joined_rooms(snapshot, &self.request.user_id).await? {
            let members = rooms.members(snapshot, &room_id, MembershipKind::Join).await?;
            people.extend(members.into_iter().map(|member| member.user_id));
        }
        let mut found = BTreeMap::new();
        for user_id in people {
            let fields = Profiles::changed_of(snapshot, &user_id, self.base.since).await?;
            let wanted = fields.into_iter().filter(|field| self.is_wanted_field(field));
            let wanted: BTreeSet<String> = wanted.collect();
            if !wanted.is_empty() {
                found.insert(user_id, wanted);
            }
        }
        Ok(found)
    }

    async fn shares_room(
        &self,
        other: &UserId,
        own_rooms: &mut Option<HashSet<OwnedRoomId>>,
    ) -> Result<bool, SyncError> {
        let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
        let own_rooms = match own_rooms {
            Some(own_rooms) => own_rooms,
            None => {
                let own = rooms.joined_rooms(snapshot, &self.request.user_id).await?;
                own_rooms.insert(own.into_iter().collect())
            }
        };
        let of_other = rooms.joined_rooms(snapshot, other).await?;
        Ok(of_other.iter().any(|room_id| own_rooms.contains(room_id)))
    }
}

/// Notes a field as it is now.
fn note(changes: &mut UserProfileChanges, profile: &Profile, field: &str) {
    let name = ProfileFieldName::from(field);
    match profile.fields.get(field) {
        Some(value) => drop(changes.updated.insert(name, value.clone())),
        None => changes.removed.push(name),
    }
}

/// The people whose membership an answer tells.
fn members_told(result: &RoomResult) -> impl Iterator<Item = OwnedUserId> + '_ {
    let state = result.required_state.iter().map(Raw::json);
    let timeline = result.timeline.iter().map(Raw::json);
    state.chain(timeline).filter_map(|json| {
        #[derive(serde::Deserialize)]
        struct Member<'a> {
            r#type: &'a str,
            state_key: OwnedUserId,
        }
        let member: Member<'_> = serde_json::from_str(json.get()).ok()?;
        (member.r#type == MEMBER).then_some(member.state_key)
    })
}
