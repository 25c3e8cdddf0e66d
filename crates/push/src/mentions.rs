//! The server's default rules, with those for mentions that clients of before v1.7 write: the name in
//! the text, and nothing in `m.mentions`. v1.17 of the specification took them away (MSC4210); what
//! such clients write would go unnoticed. They don't apply to events with `m.mentions`.

use ruma::{
    UserId,
    push::{
        Action, ConditionalPushRule, ConditionalPushRuleInit, HighlightTweakValue,
        PatternedPushRule, PatternedPushRuleInit, PredefinedOverrideRuleId, PushCondition, Ruleset,
        SoundTweakValue, Tweak,
    },
};

use crate::polls::ask_by_pattern;

/// `.m.rule.contains_display_name`
const DISPLAY_NAME: &str = ".m.rule.contains_display_name";
/// `.m.rule.contains_user_name`
const USER_NAME: &str = ".m.rule.contains_user_name";

/// The rules that somebody has who never changed any.
pub(crate) fn default_rules(user_id: &UserId) -> Ruleset {
    let mut rules = Ruleset::server_default(user_id);
    ask_by_pattern(&mut rules);
    let after_user_mention = rules
        .override_
        .get_index_of(PredefinedOverrideRuleId::IsUserMention.as_str())
        .map_or(rules.override_.len(), |position| position + 1);
    let (added, _) = rules.override_.insert_full(contains_display_name());
    rules.override_.move_index(added, after_user_mention);
    rules.content.insert(contains_user_name(user_id));
    rules
}

#[expect(deprecated, reason = "it is for clients of before the specification took it away")]
fn contains_display_name() -> ConditionalPushRule {
    ConditionalPushRuleInit {
        actions: notify_loudly(),
        default: true,
        enabled: true,
        rule_id: DISPLAY_NAME.to_owned(),
        conditions: vec![PushCondition::ContainsDisplayName],
    }
    .into()
}

fn contains_user_name(user_id: &UserId) -> PatternedPushRule {
    PatternedPushRuleInit {
        actions: notify_loudly(),
        default: true,
        enabled: true,
        rule_id: USER_NAME.to_owned(),
        pattern: user_id.localpart().to_owned(),
    }
    .into()
}

fn notify_loudly() -> Vec<Action> {
    vec![
        Action::Notify,
        Action::SetTweak(Tweak::Sound(SoundTweakValue::Default)),
        Action::SetTweak(Tweak::Highlight(HighlightTweakValue::Yes)),
    ]
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;

    /// A rule after the one that says "every message of a conversation" would never be asked.
    #[test]
    fn mentions_in_the_text_come_where_clients_expect_them() {
        let rules = default_rules(user_id!("@claire:pli.test"));
        let ids: Vec<&str> = rules.override_.iter().map(|rule| &*rule.rule_id).collect();
        let place = ids.iter().position(|id| *id == DISPLAY_NAME).unwrap();
        assert_eq!(ids[place - 1], ".m.rule.is_user_mention");
        assert_eq!(rules.content[0].pattern, "claire");
        // What somebody set on them stays.
        let mut own = rules.clone();
        own.set_enabled(ruma::push::RuleKind::Content, USER_NAME, false).unwrap();
        own.update_with_server_default(default_rules(user_id!("@claire:pli.test")));
        assert!(!own.content[0].enabled);
    }
}
