use pli_accounts::{
    AccountsError,
    uia::{Fingerprint, Operation},
};
use ruma::{UserId, api::client::uiaa::AuthType};
use serde_json::json;

use crate::support::{PASSWORD, World, auth, challenge, password_auth};

fn deletion_of(user_id: &UserId, devices: &[&str]) -> Operation {
    Operation::confirmed_by_password("delete_devices", user_id, Fingerprint::of(&devices))
}

#[tokio::test]
async fn a_confirmation_for_one_thing_is_refused_for_another() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let uia = &world.services.user_interactive;
    let asked = deletion_of(&user_id, &["A"]);
    let session = challenge(uia.authorise(&asked, None).await).session.unwrap();
    // The password is typed on the fallback page, for what the first request asked.
    let typed = password_auth(&user_id, PASSWORD, Some(&session));
    uia.complete_fallback(&session, &typed).await.unwrap();

    let acknowledgement = auth(json!({ "session": session }));
    let other = deletion_of(&user_id, &["A", "B"]);
    let outcome = uia.authorise(&other, Some(&acknowledgement)).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");
    let other_name =
        Operation::confirmed_by_password("deactivation", &user_id, Fingerprint::of(&["A"]));
    let outcome = uia.authorise(&other_name, Some(&acknowledgement)).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");

    uia.authorise(&asked, Some(&acknowledgement)).await.unwrap().spend(&world.store).await.unwrap();
}

#[tokio::test]
async fn a_confirmation_works_once() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let uia = &world.services.user_interactive;
    let operation = deletion_of(&user_id, &["A"]);
    let session = challenge(uia.authorise(&operation, None).await).session.unwrap();
    let typed = password_auth(&user_id, PASSWORD, Some(&session));
    uia.complete_fallback(&session, &typed).await.unwrap();
    let acknowledgement = auth(json!({ "session": session }));

    let first = uia.authorise(&operation, Some(&acknowledgement)).await.unwrap();
    let second = uia.authorise(&operation, Some(&acknowledgement)).await.unwrap();
    first.spend(&world.store).await.unwrap();
    let outcome = second.spend(&world.store).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");
    challenge(uia.authorise(&operation, Some(&acknowledgement)).await);
}

#[tokio::test]
async fn a_wrong_password_gets_the_flows_again_and_guessing_ends() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let uia = &world.services.user_interactive;
    let operation = deletion_of(&user_id, &["A"]);
    let session = challenge(uia.authorise(&operation, None).await).session.unwrap();
    let wrong = password_auth(&user_id, "wrong password", Some(&session));
    for _ in 0..10 {
        let info = challenge(uia.authorise(&operation, Some(&wrong)).await);
        assert_eq!(info.session.as_deref(), Some(session.as_str()));
        assert_eq!(info.flows[0].stages, [AuthType::Password]);
        assert_eq!(info.auth_error.unwrap().kind.errcode().as_str(), "M_FORBIDDEN");
    }
    let right = password_auth(&user_id, PASSWORD, Some(&session));
    let info = challenge(uia.authorise(&operation, Some(&right)).await);
    assert_ne!(info.session.as_deref(), Some(session.as_str()), "the guessed session is gone");
}

#[tokio::test]
async fn my_password_confirms_nothing_of_somebody_else() {
    let world = World::open();
    let claire = world.sign_up("claire").await.requester.user_id;
    let samir = world.sign_up("samir").await.requester.user_id;
    let uia = &world.services.user_interactive;
    let operation = deletion_of(&claire, &["A"]);
    let outcome = uia.authorise(&operation, Some(&password_auth(&samir, PASSWORD, None))).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_session_survives_a_restart_and_expires() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let operation = deletion_of(&user_id, &["A"]);
    let session =
        challenge(world.services.user_interactive.authorise(&operation, None).await).session;
    let session = session.unwrap();
    let typed = password_auth(&user_id, PASSWORD, Some(&session));
    world.services.user_interactive.complete_fallback(&session, &typed).await.unwrap();

    let world = world.restart();
    let uia = &world.services.user_interactive;
    let acknowledgement = auth(json!({ "session": session }));
    let permit = uia.authorise(&operation, Some(&acknowledgement)).await.unwrap();
    drop(permit);
    world.advance(31);
    challenge(uia.authorise(&operation, Some(&acknowledgement)).await);
    world.services.housekeeping.sweep().await.unwrap();
}

#[tokio::test]
async fn who_found_an_unlocked_device_does_not_find_the_password_by_trying() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let uia = &world.services.user_interactive;
    let operation = deletion_of(&user_id, &["A"]);
    // A new session for each guess, so that no session runs out of attempts.
    for _ in 0..20 {
        let wrong = password_auth(&user_id, "wrong password", None);
        challenge(uia.authorise(&operation, Some(&wrong)).await);
    }
    let right = password_auth(&user_id, PASSWORD, None);
    let outcome = uia.authorise(&operation, Some(&right)).await;
    assert!(matches!(outcome, Err(AccountsError::LimitExceeded { .. })), "{outcome:?}");
    world.advance(10);
    uia.authorise(&operation, Some(&right)).await.unwrap().spend(&world.store).await.unwrap();
}
