//! Whom people find, whom they ignore, whose devices they follow.

use serde_json::{Value, json};

use crate::{
    support::{Person, TestServer},
    sync::{Client, V3, texts},
};

async fn found(server: &TestServer, by: &Person, term: &str) -> Vec<String> {
    let path = format!("{V3}/user_directory/search");
    let answer = server.post(by, &path, json!({ "search_term": term })).await.ok();
    let users = answer["results"].as_array().unwrap().iter();
    users.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect()
}

/// On a server for several bodies, nobody may read off who works at the others.
#[tokio::test]
async fn a_directory_of_rooms_shows_those_whom_one_can_meet() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\ndirectory.scope = \"rooms\"",
    )
    .await;
    let claire = server.sign_up("user-1-claire").await;
    let samir = server.sign_up("user-2-samir").await;
    let awa = server.sign_up("user-3-awa").await;
    let hugo = server.sign_up("user-4-hugo").await;
    assert!(found(&server, &awa, "@user").await.is_empty());

    let path = format!("{V3}/profile/{}/displayname", claire.user_id);
    server.put(&claire, &path, json!({ "displayname": "Claire Martin" })).await.ok();
    server.room_of(&[&claire]).await;
    let private = json!({ "invite": [hugo.user_id] });
    let room_id = server.create_room(&samir, private).await;
    server.join(&hugo, &room_id).await;
    for term in ["Claire Martin", "@user", "@user-1-claire:pli.test"] {
        assert_eq!(
            found(&server, &awa, term).await,
            std::slice::from_ref(&claire.user_id),
            "{term}"
        );
    }
    assert_eq!(found(&server, &hugo, "user").await, [claire.user_id.clone(), samir.user_id]);
    assert!(found(&server, &awa, "samir").await.is_empty());
}

/// People are looked up by what others write down: the whole user id.
#[tokio::test]
async fn everybody_is_found_by_their_user_id() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    for term in ["@samir:pli.test", "@sam", " samir "] {
        assert_eq!(
            found(&server, &claire, term).await,
            std::slice::from_ref(&samir.user_id),
            "{term}"
        );
    }
}

#[tokio::test]
async fn who_is_ignored_reaches_nobody_with_invitations_and_messages() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let shared = server.room_of(&[&claire, &samir, &awa]).await;
    let mut client = Client::start(&server, &claire).await;
    let path = format!("{V3}/user/{}/account_data/m.ignored_user_list", claire.user_id);
    let mut ignored = json!({ "ignored_users": {} });
    ignored["ignored_users"][&samir.user_id] = json!({});
    server.put(&claire, &path, ignored).await.ok();
    client.sync().await;

    let invite = json!({ "invite": [claire.user_id] });
    let unwanted = server.create_room(&samir, invite.clone()).await;
    let wanted = server.create_room(&awa, invite).await;
    server.write(&samir, &shared, "encore").await;
    server.write(&awa, &shared, "bonjour").await;
    server.name_room(&claire, &shared, "Salon").await;
    let answer = client.sync().await;
    let invites = &answer["rooms"]["invite"];
    assert!(invites[&wanted].is_object() && invites[&unwanted].is_null(), "{invites}");
    let timeline = &answer["rooms"]["join"][&shared]["timeline"];
    assert_eq!(texts(&timeline["events"]), ["bonjour"]);
    let (_, initial) = Client::start_with(&server, &claire, "").await;
    assert!(initial["rooms"]["invite"][&unwanted].is_null(), "{initial}");
    // He is not told.
    let (_, initial) = Client::start_with(&server, &samir, "").await;
    let timeline = &initial["rooms"]["join"][&shared]["timeline"];
    assert!(texts(&timeline["events"]).contains(&"encore"));
}

/// Two who begin to speak in secret would not know each other's new telephones.
#[tokio::test]
async fn devices_are_followed_in_rooms_that_are_not_encrypted() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let mut client = Client::start(&server, &claire).await;
    let room_id = server.room_of(&[&claire]).await;
    let begin = client.sync().await["next_batch"].clone();
    let list = |answer: &Value, name: &str| answer["device_lists"][name].clone();

    let answer = client.wait_for(server.join(&samir, &room_id)).await;
    assert_eq!(list(&answer, "changed"), json!([samir.user_id]), "{answer}");
    let path = format!("{V3}/devices/{}", samir.device_id);
    let rename = server.put(&samir, &path, json!({ "display_name": "Maison" }));
    let answer = client.wait_for(rename).await;
    assert_eq!(list(&answer, "changed"), json!([samir.user_id]), "{answer}");
    let path = format!("{V3}/keys/changes?from={}&to={}", begin.as_str().unwrap(), client.since);
    assert_eq!(server.get(&claire, &path).await.ok()["changed"], json!([samir.user_id]));

    let answer = client.wait_for(server.act(&samir, &room_id, "leave", None)).await;
    assert_eq!(list(&answer, "left"), json!([samir.user_id]), "{answer}");
    server.sign_in("samir").await;
    let answer = client.sync().await;
    assert!(list(&answer, "changed").is_null(), "{answer}");
}
