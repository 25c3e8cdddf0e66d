use pli_accounts::AccountsError;
use ruma::user_id;
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn fields_of_any_shape_are_kept_and_removed() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let profiles = &world.services.profiles;
    let value = json!({ "text": "absente", "until": 12, "days": [1.5, null, true] });
    profiles.set(&user_id, "org.example.status", Some(value.clone())).await.unwrap();
    profiles.set(&user_id, "avatar_url", Some(json!("mxc://pli.test/abc"))).await.unwrap();
    let profile = profiles.get(&user_id).await.unwrap().unwrap();
    assert_eq!(profile.fields["org.example.status"], value);
    assert_eq!(profile.avatar_url().unwrap(), "mxc://pli.test/abc");

    profiles.set(&user_id, "org.example.status", None).await.unwrap();
    profiles.set(&user_id, "avatar_url", Some(json!(""))).await.unwrap();
    let profile = profiles.get(&user_id).await.unwrap().unwrap();
    assert_eq!(profile.fields.keys().collect::<Vec<_>>(), ["displayname"]);
}

#[tokio::test]
async fn what_others_could_not_show_is_refused() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let profiles = &world.services.profiles;
    let refused = [
        ("displayname", json!(7)),
        ("displayname", json!("x".repeat(257))),
        ("avatar_url", json!("https://evil.example/pixel.png")),
        ("Upper", json!("x")),
        ("", json!("x")),
    ];
    for (key, value) in refused {
        let outcome = profiles.set(&user_id, key, Some(value)).await;
        assert!(matches!(outcome, Err(AccountsError::InvalidParam(_))), "{key}: {outcome:?}");
    }
    let long_key = profiles.set(&user_id, &"k".repeat(256), Some(json!(1))).await;
    assert!(matches!(long_key, Err(AccountsError::KeyTooLarge)), "{long_key:?}");
}

#[tokio::test]
async fn a_profile_has_a_limit_as_a_whole() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let profiles = &world.services.profiles;
    let half = json!("x".repeat(33 * 1024));
    profiles.set(&user_id, "org.example.a", Some(half.clone())).await.unwrap();
    let outcome = profiles.set(&user_id, "org.example.b", Some(half)).await;
    assert!(matches!(outcome, Err(AccountsError::ProfileTooLarge)), "{outcome:?}");
    let stranger = user_id!("@nobody:interieur.example");
    let outcome = profiles.set(stranger, "displayname", Some(json!("x"))).await;
    assert!(matches!(outcome, Err(AccountsError::NotFound(_))), "{outcome:?}");
}
