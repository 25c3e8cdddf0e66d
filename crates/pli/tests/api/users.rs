//! `pli user …`: what operators do to accounts at the server's own keyboard.

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, PASSWORD,
    process::{Installation, Process},
    waiting::until,
};

const NEW_PASSWORD: &str = "un nouveau mot de passe";

async fn sign_in(server: &Process, password: &str) -> Answer {
    let body = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": password,
    });
    server.send(Method::POST, "/_matrix/client/v3/login", None, Some(&body)).await.unwrap()
}

fn said(output: &std::process::Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn stop(server: Process) {
    server.signal(Signal::SIGTERM);
    assert!(server.end().await.success());
}

#[tokio::test]
async fn an_operator_lists_resets_and_deactivates_while_the_server_is_stopped() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = json!({ "invite": [claire.user_id] });
    let create = "/_matrix/client/v3/createRoom";
    let token = Some(samir.access_token.as_str());
    let room = server.send(Method::POST, create, token, Some(&room)).await.unwrap().ok();
    let room_id = room["room_id"].as_str().unwrap();

    // The embedded store belongs to one process at a time.
    let refused = installation.run(&["user", "list"]).await;
    assert!(!refused.status.success());
    assert!(said(&refused).contains("in use by another process"), "{}", said(&refused));
    stop(server).await;

    let list = said(&installation.run(&["user", "list"]).await);
    assert_eq!(list, "@claire:pli.test\tactive\t1\t\n@samir:pli.test\tactive\t1\t\n");
    let file = installation.data().join("new-password");
    std::fs::write(&file, format!("{NEW_PASSWORD}\n")).unwrap();
    let file = file.to_str().unwrap();
    let reset = ["user", "reset-password", "claire", "--password-file", file];
    let output = installation.run(&reset).await;
    assert!(output.status.success(), "{}", said(&output));
    let nobody = installation.run(&["user", "deactivate", "nobody@pli.test"]).await;
    assert_eq!(nobody.status.code(), Some(1));

    let server = installation.serve().await;
    let whoami = "/_matrix/client/v3/account/whoami";
    let old = server.send(Method::GET, whoami, Some(&claire.access_token), None).await.unwrap();
    old.refused(401, "M_UNKNOWN_TOKEN");
    sign_in(&server, PASSWORD).await.refused(403, "M_FORBIDDEN");
    sign_in(&server, NEW_PASSWORD).await.ok();
    stop(server).await;

    let output = installation.run(&["user", "deactivate", "@claire:pli.test"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let list = said(&installation.run(&["user", "list"]).await);
    assert!(list.starts_with("@claire:pli.test\tdeactivated\t0\t\n"), "{list}");

    let server = installation.serve().await;
    sign_in(&server, NEW_PASSWORD).await.refused(403, "M_USER_DEACTIVATED");
    // Out of the rooms, too: nobody goes on writing to somebody who is gone.
    let path = format!("/_matrix/client/v3/rooms/{room_id}/members");
    let token = Some(samir.access_token.as_str());
    until(async || {
        let members = server.send(Method::GET, &path, token, None).await.unwrap().ok();
        members["chunk"].as_array().unwrap().iter().any(|event: &Value| {
            event["state_key"] == "@claire:pli.test" && event["content"]["membership"] == "leave"
        })
    })
    .await;
    stop(server).await;
}
