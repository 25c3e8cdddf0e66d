//! What administrators do about people, and what people tell them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    support::{PASSWORD, Person, TestServer, process::Installation},
    sync::{Client, V3, texts},
};

const NOTICE: &str = "/_synapse/admin/v1/send_server_notice";
const V1: &str = "/_matrix/client/v1";

/// A server and its administrator.
async fn administered() -> (TestServer, Person) {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         registration.shared_secret = \"complement\"",
    )
    .await;
    let admin = server.sign_up_admin("hugo", "complement").await;
    (server, admin)
}

fn first_invite(answer: &Value) -> Option<(String, Value)> {
    let invites = answer["rooms"]["invite"].as_object()?;
    invites.iter().next().map(|(room_id, invite)| (room_id.clone(), invite.clone()))
}

#[tokio::test]
async fn what_the_server_has_to_say_reaches_people() {
    let (server, admin) = administered().await;
    let claire = server.sign_up("claire").await;
    let body = json!({
        "user_id": claire.user_id,
        "content": { "msgtype": "m.text", "body": "entretien à minuit" },
    });
    server
        .send(Method::POST, NOTICE, Some(&claire.access_token), None)
        .await
        .refused(403, "M_FORBIDDEN");
    server.send(Method::POST, NOTICE, None, None).await.refused(401, "M_MISSING_TOKEN");
    server.post(&admin, NOTICE, json!({ "content": {} })).await.refused(400, "M_BAD_JSON");
    let nobody = json!({ "user_id": "@nobody:pli.test", "content": {} });
    server.post(&admin, NOTICE, nobody).await.refused(404, "M_NOT_FOUND");

    let sent = server.post(&admin, NOTICE, body.clone()).await.ok();
    let mut client = Client::start(&server, &claire).await;
    let (room_id, invite) = first_invite(&server.sync(&claire, "").await).unwrap();
    assert_eq!(invite["invite_state"]["events"][0]["sender"], "@_server:pli.test");
    let leave = format!("{V3}/rooms/{room_id}/leave");
    server.post(&claire, &leave, json!({})).await.refused(403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM");
    server.join(&claire, &room_id).await;
    let answer = client.sync().await;
    let timeline = &answer["rooms"]["join"][&room_id]["timeline"]["events"];
    assert_eq!(texts(timeline), ["entretien à minuit"]);
    assert!(timeline.as_array().unwrap().iter().any(|event| event["event_id"] == sent["event_id"]));
    let tags = format!("{V3}/user/{}/rooms/{room_id}/tags", claire.user_id);
    assert!(server.get(&claire, &tags).await.ok()["tags"]["m.server_notice"].is_object());
    let speak = format!("{V3}/rooms/{room_id}/send/m.room.message/t");
    let text = json!({ "msgtype": "m.text", "body": "merci" });
    server.put(&claire, &speak, text).await.refused(403, "M_FORBIDDEN");

    // The next one comes in the same room, also to whoever left it.
    server.post(&claire, &leave, json!({})).await.ok();
    server.post(&admin, NOTICE, body.clone()).await.ok();
    assert_eq!(first_invite(&client.sync().await).unwrap().0, room_id);
    let once = format!("{NOTICE}/t1");
    let first = server.put(&admin, &once, body.clone()).await.ok();
    assert_eq!(server.put(&admin, &once, body).await.ok(), first);
}

#[tokio::test]
async fn a_locked_account_does_nothing_until_it_is_unlocked() {
    let (server, admin) = administered().await;
    let claire = server.sign_up("claire").await;
    let second = server.sign_in("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let path = format!("{V1}/admin/lock/{}", claire.user_id);
    server.put(&claire, &path, json!({ "locked": true })).await.refused(403, "M_FORBIDDEN");
    assert_eq!(server.get(&admin, &path).await.ok()["locked"], false);
    assert_eq!(server.put(&admin, &path, json!({ "locked": true })).await.ok()["locked"], true);
    let whoami = format!("{V3}/account/whoami");
    let refused = server.get(&claire, &whoami).await.refused(401, "M_USER_LOCKED");
    assert_eq!(refused["soft_logout"], true);
    let sign_in = |password: &str| {
        let identifier = json!({ "type": "m.id.user", "user": "claire" });
        json!({ "type": "m.login.password", "identifier": identifier, "password": password })
    };
    let login = async |password: &str| {
        server.send(Method::POST, &format!("{V3}/login"), None, Some(sign_in(password))).await
    };
    login(PASSWORD).await.refused(401, "M_USER_LOCKED");
    login("a guess").await.refused(403, "M_FORBIDDEN");
    server.get(&second, &whoami).await.refused(401, "M_USER_LOCKED");
    // Whoever names their message after an endpoint that stays open still sends nothing.
    let message = json!({ "msgtype": "m.text", "body": "bonjour" });
    for named in ["send/m.room.message/logout", "state/logout/all"] {
        let path = format!("{V3}/rooms/{room_id}/{named}");
        server.put(&second, &path, message.clone()).await.refused(401, "M_USER_LOCKED");
    }
    server.post(&second, &format!("{V3}/logout"), json!({})).await.ok();
    server.put(&admin, &path, json!({ "locked": false })).await.ok();
    server.get(&claire, &whoami).await.ok();

    for (user, status, code) in [
        ("@nobody:pli.test", 404, "M_NOT_FOUND"),
        ("@claire:elsewhere.example", 400, "M_INVALID_PARAM"),
        (&*admin.user_id, 403, "M_FORBIDDEN"),
    ] {
        let path = format!("{V1}/admin/lock/{user}");
        server.put(&admin, &path, json!({ "locked": true })).await.refused(status, code);
    }
    let path = format!("{V3}/capabilities");
    let answer = server.get(&admin, &path).await.ok();
    let moderation = json!({ "lock": true, "suspend": true });
    assert_eq!(answer["capabilities"]["m.account_moderation"], moderation);
    let answer = server.get(&claire, &path).await.ok();
    assert!(answer["capabilities"]["m.account_moderation"].is_null(), "{answer}");
}

#[tokio::test]
async fn who_is_suspended_reads_and_leaves_but_does_not_speak() {
    let (server, admin) = administered().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&samir, &claire]).await;
    let other = server.room_of(&[&samir]).await;
    let own = server.write(&claire, &room_id, "bonjour").await;
    let path = format!("{V1}/admin/suspend/{}", claire.user_id);
    server.put(&admin, &path, json!({ "suspended": true })).await.ok();
    assert_eq!(server.get(&admin, &path).await.ok()["suspended"], true);

    let room = format!("{V3}/rooms/{room_id}");
    let text = json!({ "msgtype": "m.text", "body": "…" });
    for (method, path, body) in [
        (Method::PUT, format!("{room}/send/m.room.message/t2"), text),
        (Method::PUT, format!("{room}/state/m.room.topic"), json!({ "topic": "…" })),
        (Method::POST, format!("{V3}/join/{other}"), json!({})),
        (Method::POST, format!("{V3}/rooms/{other}/join"), json!({})),
        (Method::POST, format!("{V3}/knock/{other}"), json!({})),
        (Method::POST, format!("{room}/invite"), json!({ "user_id": admin.user_id })),
        (Method::POST, format!("{V3}/createRoom"), json!({})),
        (
            Method::PUT,
            format!("{V3}/profile/{}/displayname", claire.user_id),
            json!({ "displayname": "…" }),
        ),
    ] {
        let answer = server.send(method, &path, Some(&claire.access_token), Some(body)).await;
        answer.refused(403, "M_USER_SUSPENDED");
    }
    server.sync(&claire, "").await;
    server.read(&claire, &room_id, &own, "m.read").await;
    server.put(&claire, &format!("{room}/redact/{own}/t3"), json!({})).await.ok();
    server.act(&claire, &room_id, "leave", None).await;
    server.put(&admin, &path, json!({ "suspended": false })).await.ok();
    server.join(&claire, &room_id).await;
}

#[tokio::test]
async fn administrators_and_oneself_see_where_an_account_is_used() {
    let (server, admin) = administered().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let path = format!("{V3}/admin/whois/{}", claire.user_id);
    for person in [&admin, &claire] {
        let answer = server.get(person, &path).await.ok();
        assert_eq!(answer["user_id"], claire.user_id);
        assert!(answer["devices"][&claire.device_id]["sessions"].is_array(), "{answer}");
    }
    server.get(&samir, &path).await.refused(403, "M_FORBIDDEN");
    let path = format!("{V3}/admin/whois/@nobody:pli.test");
    server.get(&admin, &path).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn what_people_report_is_kept_for_the_operator() {
    let installation = Installation::new();
    let process = installation.serve().await;
    let claire = process.sign_up("claire").await;
    let token = Some(&*claire.access_token);
    let send = async |method: Method, path: String, body: Value| {
        process.send(method, &path, token, Some(&body)).await.unwrap()
    };
    let created = send(Method::POST, format!("{V3}/createRoom"), json!({})).await.ok();
    let room_id = created["room_id"].as_str().unwrap();
    let message = json!({ "msgtype": "m.text", "body": "insulte" });
    let path = format!("{V3}/rooms/{room_id}/send/m.room.message/t");
    let sent = send(Method::PUT, path, message).await.ok();
    let event_id = sent["event_id"].as_str().unwrap();
    let why = json!({ "reason": "des insultes" });
    for path in [
        format!("{V3}/rooms/{room_id}/report/{event_id}"),
        format!("{V3}/rooms/{room_id}/report"),
        format!("{V3}/users/{}/report", claire.user_id),
    ] {
        send(Method::POST, path, why.clone()).await.ok();
    }
    for unknown in [
        format!("{V3}/rooms/{room_id}/report/$unknown"),
        format!("{V3}/rooms/!unknown:pli.test/report"),
        format!("{V3}/users/@unknown:{}/report", claire.user_id.split_once(':').unwrap().1),
    ] {
        send(Method::POST, unknown, why.clone()).await.refused(404, "M_NOT_FOUND");
    }
    let long = json!({ "reason": "a".repeat(9000) });
    let path = format!("{V3}/users/{}/report", claire.user_id);
    send(Method::POST, path, long).await.refused(413, "M_TOO_LARGE");

    // While the server runs.
    let listed = installation.run(&["reports"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(lines[2].contains(event_id) && lines[2].contains("des insultes"), "{listed}");
    process.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(process.end().await.success());
}
