//! Profiles: display name, avatar and the fields that v1.16 of the specification opened
//! (client-server API, section "Profiles").

mod changes;

use std::collections::BTreeMap;

use pli_store::{Batch, Expect, Keyspace, Record, Snapshot, Store, Touch};
use ruma::{OwnedMxcUri, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::changes::ProfileChange;
pub(crate) use self::changes::{PROFILE_CHANGES, PROFILE_FIELDS};
use crate::{Accounts, AccountsError, directory::UserDirectory};

/// user → their profile.
pub(crate) const PROFILES: Keyspace<OwnedUserId, ProfileRecord> = Keyspace::new("profiles");

/// The greatest size of a profile as JSON, in bytes.
const MAX_PROFILE_SIZE: usize = 64 * 1024;
/// The greatest length of a field's name, in bytes.
const MAX_KEY_LENGTH: usize = 255;
/// The greatest length of an avatar's address, in bytes.
const MAX_AVATAR_LENGTH: usize = 1000;

/// The display name's field.
pub const DISPLAY_NAME: &str = "displayname";
/// The avatar's field.
pub const AVATAR_URL: &str = "avatar_url";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ProfileRecord {
    /// Field → its value as JSON text.
    fields: BTreeMap<String, String>,
}

impl Record for ProfileRecord {}

/// A user's profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// All fields, `displayname` and `avatar_url` included.
    pub fields: BTreeMap<String, Value>,
}

impl Profile {
    /// The display name, if there is one.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.fields.get(DISPLAY_NAME)?.as_str()
    }

    /// The avatar, if there is one.
    #[must_use]
    pub fn avatar_url(&self) -> Option<OwnedMxcUri> {
        Some(self.fields.get(AVATAR_URL)?.as_str()?.into())
    }

    fn from_record(record: &ProfileRecord) -> Self {
        let fields = record.fields.iter().filter_map(|(key, text)| {
            // What was stored as JSON reads as JSON.
            Some((key.clone(), serde_json::from_str(text).ok()?))
        });
        Self { fields: fields.collect() }
    }

    fn to_record(&self) -> ProfileRecord {
        let fields = self.fields.iter().map(|(key, value)| (key.clone(), value.to_string()));
        ProfileRecord { fields: fields.collect() }
    }

    /// Sets a field or removes it. A profile that doesn't become larger is never too large.
    fn put(&mut self, key: &str, value: Option<Value>) -> Result<(), AccountsError> {
        let size = self.size();
        match value {
            Some(value) => self.fields.insert(key.to_owned(), value),
            None => self.fields.remove(key),
        };
        if self.size() > MAX_PROFILE_SIZE.max(size) {
            return Err(AccountsError::ProfileTooLarge);
        }
        Ok(())
    }

    fn size(&self) -> usize {
        // Braces, and per field its quoted name, a colon and a comma: what the JSON has, bar escapes.
        let fields = self.fields.iter().map(|(key, value)| key.len() + value.to_string().len() + 4);
        fields.sum::<usize>() + 2
    }
}

/// The profiles of the users of this server.
#[derive(Clone)]
pub struct Profiles {
    store: Store,
    directory: UserDirectory,
}

impl Profiles {
    /// The profiles in a store; the directory is kept in step with them.
    #[must_use]
    pub fn new(store: Store, directory: UserDirectory) -> Self {
        Self { store, directory }
    }

    /// A user's profile; `None` if there is no such user here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, user_id: &UserId) -> Result<Option<Profile>, AccountsError> {
        Self::get_at(&self.store.snapshot().await?, user_id).await
    }

    /// The same as [`Self::get`], as a snapshot sees it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get_at(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Option<Profile>, AccountsError> {
        let record = snapshot.get(&PROFILES, user_id).await?;
        Ok(record.as_ref().map(Profile::from_record))
    }

    /// The profiles of many users, in the order of the ids; empty ones of whoever isn't here.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn get_many_at(
        snapshot: &Snapshot,
        user_ids: &[OwnedUserId],
    ) -> Result<Vec<Profile>, AccountsError> {
        let records = snapshot.get_many(&PROFILES, user_ids).await?;
        let profiles = records.into_iter().map(|record| {
            record.map_or_else(Profile::default, |(record, _)| Profile::from_record(&record))
        });
        Ok(profiles.collect())
    }

    /// Sets a field (`None`: removes it) and returns the profile as it is then.
    ///
    /// # Errors
    /// [`AccountsError::InvalidParam`] for a name or avatar that isn't a text,
    /// [`AccountsError::KeyTooLarge`], [`AccountsError::ProfileTooLarge`], or
    /// [`AccountsError::NotFound`] without such a user; when the store fails.
    pub async fn set(
        &self,
        user_id: &UserId,
        key: &str,
        value: Option<Value>,
    ) -> Result<Profile, AccountsError> {
        let value = match value {
            Some(value) => checked_value(key, value)?,
            None => None,
        };
        retry_on_conflict!(self.try_set(user_id, key, value.clone()).await)
    }

    /// Whether [`Self::set`] would be refused as things are.
    ///
    /// # Errors
    /// Those of [`Self::set`].
    pub async fn check(
        &self,
        user_id: &UserId,
        key: &str,
        value: Option<&Value>,
    ) -> Result<(), AccountsError> {
        let value = match value {
            Some(value) => checked_value(key, value.clone())?,
            None => None,
        };
        let profile = self.get(user_id).await?;
        let mut profile =
            profile.ok_or_else(|| AccountsError::not_found("there is no such user"))?;
        profile.put(key, value)
    }

    async fn try_set(
        &self,
        user_id: &UserId,
        key: &str,
        value: Option<Value>,
    ) -> Result<Profile, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (record, version) = snapshot
            .get_versioned(&PROFILES, user_id)
            .await?
            .ok_or_else(|| AccountsError::not_found("there is no such user"))?;
        let mut profile = Profile::from_record(&record);
        let before = profile.fields.get(key).cloned();
        profile.put(key, value)?;
        if before.as_ref() == profile.fields.get(key) {
            return Ok(profile);
        }
        let mut batch = Batch::new();
        batch.require(&PROFILES, user_id, Expect::Version(version));
        batch.put(&PROFILES, user_id, &profile.to_record());
        batch.touch(Touch::User(user_id.to_owned()));
        Self::stage_change(&snapshot, &mut batch, user_id, key).await?;
        if key == DISPLAY_NAME {
            // Guests are in no directory, whatever they call themselves.
            let guests = Accounts::guests_among(&snapshot, &[user_id.to_owned()]).await?;
            if guests.is_empty() {
                let name = profile.display_name();
                self.directory.stage_update(&snapshot, &mut batch, user_id, name).await?;
            }
        }
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(profile)
    }

    /// Writes a new user's profile, in a batch that does more.
    pub(crate) fn stage_new(batch: &mut Batch, user_id: &UserId, profile: &Profile) {
        batch.put(&PROFILES, user_id, &profile.to_record());
    }

    /// Removes a profile, in a batch that does more.
    pub(crate) fn stage_removal(batch: &mut Batch, user_id: &UserId) {
        batch.delete(&PROFILES, user_id);
    }
}

/// A field's value in the form in which it is kept; `None` if setting it means removing it.
fn checked_value(key: &str, value: Value) -> Result<Option<Value>, AccountsError> {
    if key.len() > MAX_KEY_LENGTH {
        return Err(AccountsError::KeyTooLarge);
    }
    if !is_field_name(key) {
        return Err(AccountsError::invalid_param(
            "a profile field's name follows the common namespaced identifier grammar",
        ));
    }
    let Some(kind) = (match key {
        DISPLAY_NAME => Some("the display name"),
        AVATAR_URL => Some("the avatar's address"),
        "m.tz" => Some("the time zone"),
        _ => None,
    }) else {
        return Ok(Some(value));
    };
    match value {
        Value::Null => Ok(None),
        // An empty avatar or name is how older clients remove them.
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if key == DISPLAY_NAME && text.chars().count() > 256 => {
            Err(AccountsError::invalid_param("a display name can have at most 256 characters"))
        }
        // Other addresses would tell their owners who looks at the profile.
        Value::String(text)
            if key == AVATAR_URL && text.contains(':') && !text.starts_with("mxc://") =>
        {
            Err(AccountsError::invalid_param("an avatar's address begins with mxc://"))
        }
        Value::String(text) if key == AVATAR_URL && text.len() > MAX_AVATAR_LENGTH => {
            Err(AccountsError::invalid_param(format!(
                "an avatar's address can have at most {MAX_AVATAR_LENGTH} bytes"
            )))
        }
        Value::String(text) => Ok(Some(Value::String(text))),
        _ => Err(AccountsError::invalid_param(format!("{kind} is a text"))),
    }
}

/// Whether a text follows the common namespaced identifier grammar (appendices of the
/// specification): lower case, digits, `-`, `_`, `.`, beginning with a letter.
fn is_field_name(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
        })
}
