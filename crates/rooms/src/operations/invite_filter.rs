//! Whose invitations somebody wants
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#invite-permission),
//! [MSC4155](https://github.com/matrix-org/matrix-spec-proposals/pull/4155)).

use pli_accounts::AccountData;
use pli_store::Snapshot;
use ruma::UserId;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use wildmatch::WildMatch;

use crate::{Rooms, error::RoomError};

/// The account data that says it: the stable type, and those of the two proposals.
const TYPES: [&str; 3] = [
    "m.invite_permission_config",
    "org.matrix.msc4380.invite_permission_config",
    "org.matrix.msc4155.invite_permission_config",
];

/// The most patterns of one list that are looked at: each invitation looks at all of them.
const MOST_PATTERNS: usize = 1_000;

/// What becomes of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteVerdict {
    /// The invited learn of it.
    Allow,
    /// The invited don't learn of it, and who invites them doesn't learn that.
    Ignore,
    /// It is refused.
    Block,
}

/// What a user's account data says of invitations. Clients write it: what isn't of its form says
/// nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InvitePermissions {
    enabled: Value,
    default_action: Value,
    allowed_users: Value,
    ignored_users: Value,
    blocked_users: Value,
    allowed_servers: Value,
    ignored_servers: Value,
    blocked_servers: Value,
}

impl InvitePermissions {
    /// What these say of an invitation, if anything: of its sender before their server, and what
    /// allows before what ignores before what blocks.
    fn verdict(&self, sender: &UserId) -> Option<InviteVerdict> {
        if self.enabled == Value::Bool(false) {
            return None;
        }
        let user = sender.as_str();
        let server = sender.server_name().host();
        let rules = [
            (&self.allowed_users, user, InviteVerdict::Allow),
            (&self.ignored_users, user, InviteVerdict::Ignore),
            (&self.blocked_users, user, InviteVerdict::Block),
            (&self.allowed_servers, server, InviteVerdict::Allow),
            (&self.ignored_servers, server, InviteVerdict::Ignore),
            (&self.blocked_servers, server, InviteVerdict::Block),
        ];
        let found = rules.into_iter().find(|(patterns, name, _)| is_in(patterns, name));
        let blocks_all = self.default_action == "block";
        found.map(|(_, _, verdict)| verdict).or_else(|| blocks_all.then_some(InviteVerdict::Block))
    }
}

fn is_in(patterns: &Value, name: &str) -> bool {
    let patterns = patterns.as_array().into_iter().flatten().take(MOST_PATTERNS);
    patterns.filter_map(Value::as_str).any(|pattern| WildMatch::new(pattern).matches(name))
}

impl Rooms {
    /// What a user of this server wants to become of an invitation from somebody.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn invite_verdict(
        &self,
        snapshot: &Snapshot,
        invited: &UserId,
        sender: &UserId,
    ) -> Result<InviteVerdict, RoomError> {
        let mut verdict = InviteVerdict::Allow;
        for event_type in TYPES {
            let data = AccountData::get_at(snapshot, invited, None, event_type).await?;
            let permissions = data.and_then(|data| {
                serde_json::from_str::<InvitePermissions>(data.content.get()).ok()
            });
            match permissions.and_then(|permissions| permissions.verdict(sender)) {
                Some(InviteVerdict::Block) => return Ok(InviteVerdict::Block),
                Some(InviteVerdict::Ignore) => verdict = InviteVerdict::Ignore,
                Some(InviteVerdict::Allow) | None => {}
            }
        }
        Ok(verdict)
    }

    /// Refuses a membership event, set as state, that is an invitation which the invited has blocked.
    pub(crate) async fn check_set_invite(
        &self,
        sender: &UserId,
        state_key: &str,
        content: &RawValue,
    ) -> Result<(), RoomError> {
        let set = serde_json::from_str::<SetMembership>(content.get());
        match <&UserId>::try_from(state_key) {
            Ok(invited) if set.is_ok_and(|set| set.membership == "invite") => {
                self.check_invites(sender, [invited]).await
            }
            _ => Ok(()),
        }
    }

    /// Refuses invitations that somebody of this server has blocked.
    pub(crate) async fn check_invites<'a>(
        &self,
        sender: &UserId,
        invited: impl IntoIterator<Item = &'a UserId>,
    ) -> Result<(), RoomError> {
        let mut invited = invited.into_iter().peekable();
        if invited.peek().is_none() {
            return Ok(());
        }
        let snapshot = self.inner.store.snapshot().await?;
        for user_id in invited {
            let verdict = self.invite_verdict(&snapshot, user_id, sender).await?;
            if verdict == InviteVerdict::Block {
                return Err(RoomError::InviteBlocked(user_id.to_owned()));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct SetMembership {
    membership: String,
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::json;

    use super::*;

    fn verdict(permissions: Value) -> Option<InviteVerdict> {
        let permissions: InvitePermissions = serde_json::from_value(permissions).unwrap();
        permissions.verdict(user_id!("@samir:hs2.example:8448"))
    }

    /// Who blocks a server but one of its people would miss that one.
    #[test]
    fn people_go_before_servers_and_allowing_before_blocking() {
        let samir = "@samir:hs2.example:8448";
        assert_eq!(verdict(json!({ "blocked_users": [samir] })), Some(InviteVerdict::Block));
        assert_eq!(verdict(json!({ "ignored_servers": ["hs*"] })), Some(InviteVerdict::Ignore));
        assert_eq!(
            verdict(json!({ "blocked_servers": ["*"], "allowed_users": ["@sa?ir:*"] })),
            Some(InviteVerdict::Allow)
        );
        assert_eq!(
            verdict(json!({ "allowed_servers": ["hs2.example"], "blocked_users": ["@sam*"] })),
            Some(InviteVerdict::Block)
        );
        let all = json!({
            "allowed_users": [samir], "ignored_users": [samir], "blocked_users": [samir],
        });
        assert_eq!(verdict(all), Some(InviteVerdict::Allow));
    }

    /// A client's mistake must not lock everybody out, nor let everybody in who is blocked.
    #[test]
    fn what_is_malformed_says_nothing() {
        assert_eq!(verdict(json!({ "allowed_users": null, "blocked_servers": null })), None);
        assert_eq!(verdict(json!({ "blocked_users": "*", "default_action": "other" })), None);
        assert_eq!(verdict(json!({ "enabled": false, "blocked_users": ["*"] })), None);
        assert_eq!(
            verdict(json!({ "allowed_users": 1, "blocked_users": [3, "@samir:*"] })),
            Some(InviteVerdict::Block)
        );
        assert_eq!(verdict(json!({ "default_action": "block" })), Some(InviteVerdict::Block));
    }
}
