//! Everybody's push rules (client-server API, section "Push Rules").
//!
//! They are the account data `m.push_rules`. Who never changed theirs has no row: the server's
//! default rules are theirs, always the newest.

use std::sync::Arc;

use pli_accounts::AccountData;
use pli_store::{Batch, Position, Snapshot, Store};
use quick_cache::sync::Cache;
use ruma::{
    OwnedUserId, UserId,
    events::push_rules::PushRulesEventContent,
    push::{Action, InsertPushRuleError, NewPushRule, RemovePushRuleError, RuleKind, Ruleset},
};
use serde_json::value::RawValue;

use crate::{PushError, mentions::default_rules};

const EVENT_TYPE: &str = "m.push_rules";
/// How many users' parsed rules are kept.
const CACHED_USERS: usize = 10_000;
/// How often a change is tried again when the rules changed meanwhile.
const ATTEMPTS: usize = 8;

/// Where a new rule goes among the user's rules of its kind.
#[derive(Clone, Debug, Default)]
pub struct RuleScope {
    /// Right before the rule with this id.
    pub before: Option<String>,
    /// Right after the rule with this id.
    pub after: Option<String>,
}

/// A user's parsed rules, and the version of the row that they were parsed from.
type Parsed = (Option<Position>, Arc<Ruleset>);

/// The push rules of the users of this server. Cheap to clone.
#[derive(Clone)]
pub struct PushRules {
    store: Store,
    parsed: Arc<Cache<OwnedUserId, Parsed>>,
}

impl PushRules {
    /// The push rules in a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, parsed: Arc::new(Cache::new(CACHED_USERS)) }
    }

    /// A user's rules: their own changes on top of the server's defaults.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Arc<Ruleset>, PushError> {
        let stored = AccountData::get_at(snapshot, user_id, None, EVENT_TYPE).await?;
        let version = stored.as_ref().map(|event| event.position);
        if let Some((cached, rules)) = self.parsed.get(user_id)
            && cached == version
        {
            return Ok(rules);
        }
        let rules = Arc::new(parse(user_id, stored.as_ref().map(|event| &*event.content)));
        self.parsed.insert(user_id.to_owned(), (version, Arc::clone(&rules)));
        Ok(rules)
    }

    /// A user's rules now, read from a snapshot of their own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn current(&self, user_id: &UserId) -> Result<Arc<Ruleset>, PushError> {
        self.get(&self.store.snapshot().await?, user_id).await
    }

    /// The content of the account data `m.push_rules` of somebody who never changed their rules.
    ///
    /// # Errors
    /// Never in practice: the rules are plain data.
    pub fn default_content(user_id: &UserId) -> Result<Box<RawValue>, serde_json::Error> {
        content_of(default_rules(user_id))
    }

    /// Adds a rule, or replaces the user's rule with its id.
    ///
    /// # Errors
    /// [`PushError::InvalidRule`] when the id is one of the server's rules or the scope names a rule
    /// that isn't there.
    pub async fn put(
        &self,
        user_id: &UserId,
        rule: NewPushRule,
        scope: &RuleScope,
    ) -> Result<(), PushError> {
        self.change(user_id, |rules| {
            rules.insert(rule.clone(), scope.after.as_deref(), scope.before.as_deref()).map_err(
                |error| match error {
                    InsertPushRuleError::UnknownRuleId => PushError::RuleNotFound,
                    other => PushError::InvalidRule(other.to_string()),
                },
            )
        })
        .await
    }

    /// Removes one of the user's own rules.
    ///
    /// # Errors
    /// [`PushError::RuleNotFound`]; [`PushError::InvalidRule`] for the server's rules, which can only
    /// be disabled.
    pub async fn remove(
        &self,
        user_id: &UserId,
        kind: RuleKind,
        rule_id: &str,
    ) -> Result<(), PushError> {
        self.change(user_id, |rules| {
            rules.remove(kind.clone(), rule_id).map_err(|error| match error {
                RemovePushRuleError::NotFound => PushError::RuleNotFound,
                other => PushError::InvalidRule(other.to_string()),
            })
        })
        .await
    }

    /// Enables or disables a rule.
    ///
    /// # Errors
    /// [`PushError::RuleNotFound`].
    pub async fn set_enabled(
        &self,
        user_id: &UserId,
        kind: RuleKind,
        rule_id: &str,
        enabled: bool,
    ) -> Result<(), PushError> {
        self.change(user_id, |rules| {
            rules.set_enabled(kind.clone(), rule_id, enabled).map_err(|_| PushError::RuleNotFound)
        })
        .await
    }

    /// Sets what a rule does.
    ///
    /// # Errors
    /// [`PushError::RuleNotFound`].
    pub async fn set_actions(
        &self,
        user_id: &UserId,
        kind: RuleKind,
        rule_id: &str,
        actions: Vec<Action>,
    ) -> Result<(), PushError> {
        self.change(user_id, |rules| {
            rules
                .set_actions(kind.clone(), rule_id, actions.clone())
                .map_err(|_| PushError::RuleNotFound)
        })
        .await
    }

    async fn change(
        &self,
        user_id: &UserId,
        edit: impl Fn(&mut Ruleset) -> Result<(), PushError>,
    ) -> Result<(), PushError> {
        for _ in 0..ATTEMPTS {
            let snapshot = self.store.snapshot().await?;
            let mut rules = (*self.get(&snapshot, user_id).await?).clone();
            edit(&mut rules)?;
            let content =
                content_of(rules).map_err(|error| PushError::InvalidRule(error.to_string()))?;
            let mut batch = Batch::new();
            AccountData::stage(&snapshot, &mut batch, user_id, None, EVENT_TYPE, &content).await?;
            drop(snapshot);
            if batch.is_empty() {
                return Ok(());
            }
            match self.store.commit(batch).await.map_err(PushError::from) {
                Err(PushError::Conflict) => {}
                done => return done.map(|_| ()),
            }
        }
        Err(PushError::Conflict)
    }
}

fn content_of(rules: Ruleset) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::value::to_raw_value(&PushRulesEventContent::new(rules))
}

fn parse(user_id: &UserId, content: Option<&RawValue>) -> Ruleset {
    let defaults = default_rules(user_id);
    let stored = content
        .and_then(|content| serde_json::from_str::<PushRulesEventContent>(content.get()).ok());
    match stored {
        Some(PushRulesEventContent { mut global, .. }) => {
            // The server's rules may have changed since; what the user set on them stays.
            global.update_with_server_default(defaults);
            global
        }
        None => defaults,
    }
}
