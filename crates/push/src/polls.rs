//! The default rules of polls (MSC3930), in the form that the proposal gives them.

use ruma::push::{
    ConditionalPushRule, EventMatchConditionData, PushCondition, Ruleset, ScalarJsonValue,
};

/// What the names of these rules begin with.
const PREFIX: &str = ".org.matrix.msc3930.rule.";

/// Clients look for these rules' conditions as `event_match` on the type. What ruma asks instead,
/// `event_property_is`, finds the same events.
pub(crate) fn ask_by_pattern(rules: &mut Ruleset) {
    for kind in [&mut rules.override_, &mut rules.underride] {
        let of_polls: Vec<ConditionalPushRule> =
            kind.iter().filter(|rule| rule.rule_id.starts_with(PREFIX)).cloned().collect();
        for mut rule in of_polls {
            rule.conditions.iter_mut().for_each(by_pattern);
            // In the place of the former one.
            kind.replace(rule);
        }
    }
}

fn by_pattern(condition: &mut PushCondition) {
    let PushCondition::EventPropertyIs(property) = &*condition else { return };
    if let (key, ScalarJsonValue::String(value)) = (&property.key, &property.value) {
        let pattern = EventMatchConditionData::new(key.clone(), value.clone());
        *condition = PushCondition::EventMatch(pattern);
    }
}

#[cfg(test)]
mod tests {
    use ruma::{push::Ruleset, user_id};
    use serde_json::{Value, json};

    use super::*;

    /// Clients that know polls find the rules by their conditions, the one for two people first.
    #[test]
    fn rules_of_polls_are_as_clients_look_for_them() {
        let mut rules = Ruleset::server_default(user_id!("@claire:pli.test"));
        ask_by_pattern(&mut rules);
        let rules = serde_json::to_value(&rules).unwrap();
        let place = |kind: &str, id: &str| {
            let id = format!("{PREFIX}{id}");
            rules[kind].as_array().unwrap().iter().position(|rule| rule["rule_id"] == *id).unwrap()
        };
        let of_type = |event_type: &str| -> Value {
            json!({ "kind": "event_match", "key": "type", "pattern": event_type })
        };
        let response = &rules["override"][place("override", "poll_response")];
        assert_eq!(response["actions"], json!([]));
        assert_eq!(response["conditions"], json!([of_type("org.matrix.msc3381.poll.response")]));
        for event in ["start", "end"] {
            let two = place("underride", &format!("poll_{event}_one_to_one"));
            let any = place("underride", &format!("poll_{event}"));
            assert!(two < any);
            let wanted = of_type(&format!("org.matrix.msc3381.poll.{event}"));
            assert!(rules["underride"][two]["conditions"].as_array().unwrap().contains(&wanted));
            assert_eq!(rules["underride"][any]["conditions"], json!([wanted]));
        }
    }
}
