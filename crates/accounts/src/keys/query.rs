//! `POST /keys/query`: the identity and cross-signing keys of users.
//!
//! Answers are large and read often, so they are put together from texts that were made once per
//! change of a user's keys.

use std::collections::{BTreeMap, BTreeSet};

use ruma::{OwnedDeviceId, OwnedUserId, ServerName, UserId};

use super::{
    DeviceKeys,
    json::{push_separator, push_string},
    query_cache::{MasterKey, SignedUsers, UserKeys},
    signed::{close_signed, push_signatures},
};
use crate::{AccountsError, device_lists::DeviceLists};

impl DeviceKeys {
    /// The answer to `/keys/query` as JSON: of each user all devices, or those named.
    ///
    /// A local user always has an entry, so that an answer doesn't tell who has an account. Users of
    /// servers that can't be asked make their server a failure.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn query(
        &self,
        requester: &UserId,
        server_name: &ServerName,
        wanted: &BTreeMap<OwnedUserId, Vec<OwnedDeviceId>>,
    ) -> Result<String, AccountsError> {
        let (local, remote): (Vec<_>, Vec<_>) =
            wanted.iter().partition(|(user, _)| user.server_name() == server_name);
        let failed_servers: BTreeSet<&str> =
            remote.into_iter().map(|(user, _)| user.server_name().as_str()).collect();

        let snapshot = self.store.snapshot().await?;
        let users: Vec<&UserId> = local.iter().map(|(user, _)| &***user).collect();
        let versions = DeviceLists::versions(&snapshot, &users).await?;
        let signed = self.cache.signed_users(&snapshot, requester).await?;

        let mut answer = Answer::default();
        for ((user, devices), version) in local.into_iter().zip(versions) {
            let Some(version) = version else {
                answer.add_unknown(user);
                continue;
            };
            let keys = self.cache.user_keys(&snapshot, user, version).await?;
            answer.add(requester, user, devices, &keys, signed.as_deref());
        }
        Ok(answer.finish(&failed_servers))
    }
}

/// The members of the answer's objects, without the braces around them.
#[derive(Default)]
struct Answer {
    device_keys: String,
    master_keys: String,
    self_signing_keys: String,
    user_signing_keys: String,
}

impl Answer {
    fn add_unknown(&mut self, user: &UserId) {
        push_member(&mut self.device_keys, user, "{}");
    }

    fn add(
        &mut self,
        requester: &UserId,
        user: &UserId,
        devices: &[OwnedDeviceId],
        keys: &UserKeys,
        signed: Option<&SignedUsers>,
    ) {
        if devices.is_empty() {
            push_member(&mut self.device_keys, user, &keys.devices);
        } else {
            push_member(&mut self.device_keys, user, &some_devices(keys, devices));
        }
        if let Some(master) = &keys.master {
            push_name(&mut self.master_keys, user);
            push_master_key(&mut self.master_keys, requester, user, master, signed);
        }
        if let Some(key) = &keys.self_signing {
            push_member(&mut self.self_signing_keys, user, key);
        }
        // Whom a user signed is nobody else's business, so their user-signing key isn't either.
        if let Some(key) = keys.user_signing.as_ref().filter(|_| user == requester) {
            push_member(&mut self.user_signing_keys, user, key);
        }
    }

    fn finish(self, failed_servers: &BTreeSet<&str>) -> String {
        let mut failures = String::new();
        for server in failed_servers {
            push_separator(&mut failures, 0);
            push_string(&mut failures, server);
            failures.push_str(":{}");
        }
        let members = [
            ("device_keys", self.device_keys),
            ("failures", failures),
            ("master_keys", self.master_keys),
            ("self_signing_keys", self.self_signing_keys),
            ("user_signing_keys", self.user_signing_keys),
        ];
        let length: usize = members.iter().map(|(name, json)| name.len() + json.len() + 6).sum();
        let mut answer = String::with_capacity(length + 2);
        answer.push('{');
        for (name, json) in &members {
            push_separator(&mut answer, 1);
            push_string(&mut answer, name);
            answer.push_str(":{");
            answer.push_str(json);
            answer.push('}');
        }
        answer.push('}');
        answer
    }
}

fn push_name(out: &mut String, user: &UserId) {
    push_separator(out, 0);
    push_string(out, user.as_str());
    out.push(':');
}

fn push_member(out: &mut String, user: &UserId, json: &str) {
    push_name(out, user);
    out.push_str(json);
}

fn some_devices(keys: &UserKeys, devices: &[OwnedDeviceId]) -> String {
    let mut json = String::from("{");
    let wanted: BTreeSet<&OwnedDeviceId> = devices.iter().collect();
    for device in wanted {
        if let Some(range) = keys.device_ranges.get(device) {
            push_separator(&mut json, 1);
            json.push_str(&keys.devices[range.clone()]);
        }
    }
    json.push('}');
    json
}

/// A master key with the signatures that the requester may see: those by its owner, and those by
/// the requester.
fn push_master_key(
    out: &mut String,
    requester: &UserId,
    user: &UserId,
    master: &MasterKey,
    signed: Option<&SignedUsers>,
) {
    out.push_str(&master.open_json);
    let own_signature = signed
        .and_then(|signed| signed.by_user.get(user))
        .filter(|signature| signature.master_key == master.public_key);
    if let Some(signature) = own_signature {
        push_signatures(out, requester, &signature.signatures);
    }
    close_signed(out);
}
