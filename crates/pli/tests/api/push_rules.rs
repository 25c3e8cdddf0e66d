//! Push rules: what a phone rings for.

use serde_json::{Value, json};

use crate::{
    support::TestServer,
    sync::{Client, V3},
};

fn rule_ids(rules: &Value, kind: &str) -> Vec<String> {
    let rules = rules[kind].as_array().unwrap().iter();
    rules.map(|rule| rule["rule_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rules_are_added_changed_and_removed() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let all = format!("{V3}/pushrules/global/");
    let defaults = server.get(&claire, &all).await.ok();
    assert_eq!(rule_ids(&defaults, "override")[0], ".m.rule.master");

    let content = format!("{V3}/pushrules/global/content");
    let rule = |word: &str| json!({ "pattern": word, "actions": ["notify"] });
    server.put(&claire, &format!("{content}/one"), rule("pain")).await.ok();
    server.put(&claire, &format!("{content}/two?after=one"), rule("sel")).await.ok();
    let three = format!("{content}/three?before=two");
    server.put(&claire, &three, rule("eau")).await.ok();
    server.put(&claire, &format!("{content}/two/enabled"), json!({ "enabled": false })).await.ok();
    let actions = json!({ "actions": ["notify", { "set_tweak": "highlight" }] });
    server.put(&claire, &format!("{content}/one/actions"), actions.clone()).await.ok();

    server.restart().await;
    let rules = server.get(&claire, &all).await.ok();
    assert_eq!(rule_ids(&rules, "content")[..3], ["one", "three", "two"]);
    assert_eq!(rules["content"][2]["enabled"], false);
    let one = server.get(&claire, &format!("{content}/one/actions")).await.ok();
    assert_eq!(one, actions);
    server.delete(&claire, &format!("{content}/one")).await.ok();
    server.get(&claire, &format!("{content}/one")).await.refused(404, "M_NOT_FOUND");
    server.delete(&claire, &format!("{content}/one")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn the_servers_rules_can_be_switched_off_but_not_removed() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let master = format!("{V3}/pushrules/global/override/.m.rule.master");
    let refused = server.delete(&claire, &master).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let mut client = Client::start(&server, &claire).await;
    let on = json!({ "enabled": true });
    let answer = client.wait_for(server.put(&claire, &format!("{master}/enabled"), on)).await;
    let event = &answer["account_data"]["events"][0];
    assert_eq!(event["type"], "m.push_rules");
    assert_eq!(event["content"]["global"]["override"][0]["enabled"], true);
    let others = server.sign_up("samir").await;
    let rules = server.get(&others, &format!("{V3}/pushrules/global/")).await.ok();
    assert_eq!(rules["override"][0]["enabled"], false);
}
