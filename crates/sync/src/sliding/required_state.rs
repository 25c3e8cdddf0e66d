use serde::{Deserialize, Deserializer, Serialize};

use crate::state::MEMBER;

/// How many pieces of state one rule can name.
const MAX_PATTERNS: usize = 1_000;

/// Which state of a room a client wants.
///
/// Read from both forms: an array of pairs (type, state key) with `*`, `$ME` and `$LAZY`, and the
/// merged one with `include`, `exclude` and `lazy_members`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RequiredState {
    include: Vec<StatePattern>,
    exclude: Vec<StatePattern>,
    lazy_members: bool,
}

/// State events; a part that is missing matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct StatePattern {
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state_key: Option<String>,
}

impl StatePattern {
    fn matches(&self, event_type: &str, state_key: &str) -> bool {
        self.event_type.as_ref().is_none_or(|wanted| wanted == event_type)
            && self.state_key.as_ref().is_none_or(|wanted| wanted == state_key)
    }

    /// The one piece of state that this names, if it names one.
    fn exact(&self) -> Option<(&str, &str)> {
        self.event_type.as_deref().zip(self.state_key.as_deref())
    }

    fn is_of_one_member(&self) -> bool {
        self.exact().is_some_and(|(event_type, _)| event_type == MEMBER)
    }

    fn may_match_members(&self) -> bool {
        self.event_type.as_deref().is_none_or(|event_type| event_type == MEMBER)
    }
}

impl<'de> Deserialize<'de> for RequiredState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Pairs(Vec<(String, String)>),
            Object {
                #[serde(default)]
                include: Vec<StatePattern>,
                #[serde(default)]
                exclude: Vec<StatePattern>,
                #[serde(default)]
                lazy_members: bool,
            },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Object { include, exclude, lazy_members } => {
                Self { include, exclude, lazy_members }
            }
            Form::Pairs(pairs) => Self::from_pairs(pairs),
        }
        .in_order())
    }
}

impl RequiredState {
    fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut state = Self::default();
        for (event_type, state_key) in pairs {
            if state_key == "$LAZY" {
                // Only members can be loaded lazily.
                state.lazy_members |= event_type == MEMBER;
                continue;
            }
            let named = |part: String| (part != "*").then_some(part);
            let (event_type, state_key) = (named(event_type), named(state_key));
            state.include.push(StatePattern { event_type, state_key });
        }
        state
    }

    /// Two that ask for the same are equal.
    fn in_order(mut self) -> Self {
        for patterns in [&mut self.include, &mut self.exclude] {
            patterns.sort_unstable();
            patterns.dedup();
        }
        self
    }

    /// Refuses what is too much.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.include.len() + self.exclude.len() > MAX_PATTERNS {
            return Err(format!("required_state: can name {MAX_PATTERNS} pieces of state at most"));
        }
        Ok(())
    }

    /// Replaces `$ME`.
    fn of(mut self, user_id: &str) -> Self {
        for pattern in self.include.iter_mut().chain(&mut self.exclude) {
            if pattern.state_key.as_deref() == Some("$ME") {
                pattern.state_key = Some(user_id.to_owned());
            }
        }
        self.in_order()
    }

    fn matches(&self, event_type: &str, state_key: &str) -> bool {
        // Where members are loaded lazily, a pattern that matches all of them isn't meant for them.
        let is_lazy = self.lazy_members && event_type == MEMBER;
        let includes = |pattern: &StatePattern| {
            pattern.matches(event_type, state_key) && (!is_lazy || pattern.is_of_one_member())
        };
        self.include.iter().any(includes)
            && !self.exclude.iter().any(|pattern| pattern.matches(event_type, state_key))
    }

    fn wants_all_members(&self) -> bool {
        !self.lazy_members
            && self
                .include
                .iter()
                .any(|pattern| pattern.may_match_members() && pattern.state_key.is_none())
    }
}

/// What several rules want of a room's state together: what any of them wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct CombinedState(Vec<RequiredState>);

impl CombinedState {
    /// What these want, asked by a user.
    pub(crate) fn of<'r>(rules: impl Iterator<Item = &'r RequiredState>, user_id: &str) -> Self {
        let mut parts: Vec<_> = rules.map(|rule| rule.clone().of(user_id)).collect();
        parts.sort_unstable();
        parts.dedup();
        Self(parts)
    }

    /// Whether a piece of state is wanted, apart from members that are loaded lazily.
    pub(crate) fn matches(&self, event_type: &str, state_key: &str) -> bool {
        self.0.iter().any(|part| part.matches(event_type, state_key))
    }

    /// Whether members are told as they are needed: not if another rule wants them all.
    pub(crate) fn is_lazy(&self) -> bool {
        self.0.iter().any(|part| part.lazy_members) && !self.wants_all_members()
    }

    /// Whether the whole list of members is wanted.
    pub(crate) fn wants_all_members(&self) -> bool {
        self.0.iter().any(RequiredState::wants_all_members)
    }

    /// Whether there may be state that this wants and `former` did not.
    pub(crate) fn may_exceed(&self, former: &Self) -> bool {
        self.0.iter().any(|part| !former.0.contains(part))
    }

    /// The pieces of state that are named one by one, if nothing else is wanted.
    pub(crate) fn named(&self) -> Option<Vec<(&str, &str)>> {
        self.0.iter().flat_map(|part| &part.include).map(StatePattern::exact).collect()
    }

    /// The members who are named one by one.
    pub(crate) fn named_members(&self) -> impl Iterator<Item = &str> {
        let patterns = self.0.iter().flat_map(|part| &part.include);
        patterns
            .filter_map(StatePattern::exact)
            .filter(|(event_type, _)| *event_type == MEMBER)
            .map(|(_, state_key)| state_key)
    }

    /// Whether a member may be wanted by something else than a pattern that matches all: by a state
    /// key without a type, for example.
    pub(crate) fn names_state_keys_of_any_type(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|part| &part.include)
            .filter(|pattern| pattern.event_type.is_none())
            .filter_map(|pattern| pattern.state_key.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ME: &str = "@claire.martin:pli.test";

    fn combined(forms: &[serde_json::Value]) -> CombinedState {
        let states: Vec<RequiredState> =
            forms.iter().map(|form| serde_json::from_value(form.clone()).unwrap()).collect();
        CombinedState::of(states.iter(), ME)
    }

    #[test]
    fn both_forms_say_the_same() {
        let pairs = json!([["m.room.member", "$LAZY"], ["m.room.member", "$ME"], ["*", "*"]]);
        let object = json!({
            "include": [{}, { "type": "m.room.member", "state_key": ME }],
            "lazy_members": true,
        });
        assert_eq!(combined(std::slice::from_ref(&pairs)), combined(&[object]));
        let state = combined(&[pairs]);
        assert!(state.is_lazy());
        assert!(state.matches("m.room.member", ME));
        assert!(!state.matches("m.room.member", "@samir.benali:pli.test"));
        assert!(state.matches("m.room.topic", ""));
    }

    #[test]
    fn whoever_wants_all_members_gets_them_beside_somebody_who_loads_them_lazily() {
        let lazy = json!([["m.room.member", "$LAZY"]]);
        let all = json!([["m.room.member", "*"]]);
        let state = combined(&[lazy, all]);
        assert!(!state.is_lazy());
        assert!(state.matches("m.room.member", "@samir.benali:pli.test"));
    }

    #[test]
    fn what_is_excluded_is_left_out_unless_another_rule_wants_it() {
        let without = json!({ "include": [{}], "exclude": [{ "type": "m.room.create" }] });
        assert!(!combined(std::slice::from_ref(&without)).matches("m.room.create", ""));
        let create = json!([["m.room.create", ""]]);
        assert!(combined(&[without, create]).matches("m.room.create", ""));
    }
}
