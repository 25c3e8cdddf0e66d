use pli_accounts::AccountsError;

use crate::support::World;

/// Asserts that a token isn't valid, and whether the client may keep its keys.
#[track_caller]
fn assert_unknown<T: std::fmt::Debug>(outcome: Result<T, AccountsError>, expected_soft: bool) {
    match outcome {
        Err(AccountsError::UnknownToken { soft_logout }) => assert_eq!(soft_logout, expected_soft),
        other => panic!("expected an unknown token, got {other:?}"),
    }
}

#[tokio::test]
async fn a_refreshed_session_goes_on_and_the_old_token_ends_with_the_first_use_of_the_new() {
    let world = World::open();
    world.sign_up("claire").await;
    let old = world.sign_in("claire", true).await.tokens;
    world.who_is(&old.access_token).await.unwrap();
    let new = world.services.sessions.refresh(&old.refresh_token.unwrap()).await.unwrap();

    // The answer may have got lost: the old token still works.
    world.who_is(&old.access_token).await.unwrap();
    world.who_is(&new.access_token).await.unwrap();
    assert_unknown(world.who_is(&old.access_token).await, false);
    world.who_is(&new.access_token).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_locks_nobody_out() {
    let world = World::open();
    world.sign_up("claire").await;
    let old = world.sign_in("claire", true).await.tokens;
    let refresh_token = old.refresh_token.unwrap();
    let lost = world.services.sessions.refresh(&refresh_token).await.unwrap();
    let again = world.services.sessions.refresh(&refresh_token).await.unwrap();
    world.who_is(&again.access_token).await.unwrap();
    assert_unknown(world.who_is(&lost.access_token).await, false);
}

#[tokio::test]
async fn a_stolen_refresh_token_used_twice_kills_the_whole_session() {
    let world = World::open();
    world.sign_up("claire").await;
    let session = world.sign_in("claire", true).await;
    let other_device = world.sign_in("claire", true).await;
    let sessions = &world.services.sessions;
    let stolen = session.tokens.refresh_token.unwrap();

    let owners = sessions.refresh(&stolen).await.unwrap();
    world.who_is(&owners.access_token).await.unwrap();
    let newest = sessions.refresh(owners.refresh_token.as_ref().unwrap()).await.unwrap();
    world.who_is(&newest.access_token).await.unwrap();

    // The thief comes second. Everything of this session ends; the device may sign in again.
    assert_unknown(sessions.refresh(&stolen).await, true);
    assert_unknown(world.who_is(&newest.access_token).await, true);
    assert_unknown(sessions.refresh(&newest.refresh_token.unwrap()).await, true);
    assert_unknown(sessions.refresh(&owners.refresh_token.unwrap()).await, false);
    world.who_is(&other_device.tokens.access_token).await.unwrap();
    let device = &session.requester.device_id;
    world.services.devices.get(&session.requester.user_id, device).await.unwrap();
}

#[tokio::test]
async fn a_thief_who_was_faster_is_noticed_when_the_owner_comes() {
    let world = World::open();
    world.sign_up("claire").await;
    let owner = world.sign_in("claire", true).await.tokens;
    let sessions = &world.services.sessions;
    let refresh_token = owner.refresh_token.unwrap();
    let thief = sessions.refresh(&refresh_token).await.unwrap();
    world.who_is(&thief.access_token).await.unwrap();

    assert_unknown(sessions.refresh(&refresh_token).await, true);
    assert_unknown(world.who_is(&thief.access_token).await, true);
    assert_unknown(sessions.refresh(&thief.refresh_token.unwrap()).await, true);
}

#[tokio::test]
async fn an_expired_token_says_that_the_session_is_still_there() {
    let world = World::open();
    world.sign_up("claire").await;
    let tokens = world.sign_in("claire", true).await.tokens;
    assert_eq!(tokens.expires_in.unwrap().as_secs(), 300);
    world.who_is(&tokens.access_token).await.unwrap();
    world.advance(5);
    assert_unknown(world.who_is(&tokens.access_token).await, true);
    let fresh = world.services.sessions.refresh(&tokens.refresh_token.unwrap()).await.unwrap();
    world.who_is(&fresh.access_token).await.unwrap();
}

#[tokio::test]
async fn a_long_lived_session_keeps_a_bounded_history() {
    let world = World::open();
    world.sign_up("claire").await;
    let mut tokens = world.sign_in("claire", true).await.tokens;
    let first = tokens.refresh_token.clone().unwrap();
    for _ in 0..40 {
        tokens = world.services.sessions.refresh(&tokens.refresh_token.unwrap()).await.unwrap();
        world.who_is(&tokens.access_token).await.unwrap();
    }
    // So old that it is forgotten: worth nothing, and no alarm.
    assert_unknown(world.services.sessions.refresh(&first).await, false);
    world.who_is(&tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn signing_out_ends_the_token_at_once_and_twice_is_fine() {
    let world = World::open();
    let session = world.sign_up("claire").await;
    world.who_is(&session.tokens.access_token).await.unwrap();
    let requester = session.requester;
    for _ in 0..2 {
        let devices = [requester.device_id.clone()];
        world.services.devices.remove(&requester.user_id, &devices).await.unwrap();
        assert_unknown(world.who_is(&session.tokens.access_token).await, false);
    }
}

#[tokio::test]
async fn sessions_survive_a_restart_and_signed_out_ones_stay_signed_out() {
    let world = World::open();
    let kept = world.sign_up("claire").await;
    let ended = world.sign_in("claire", true).await;
    let devices = [ended.requester.device_id.clone()];
    world.services.devices.remove(&ended.requester.user_id, &devices).await.unwrap();

    let world = world.restart();
    assert_eq!(world.who_is(&kept.tokens.access_token).await.unwrap(), kept.requester);
    assert_unknown(world.who_is(&ended.tokens.access_token).await, false);
    assert_unknown(
        world.services.sessions.refresh(&ended.tokens.refresh_token.unwrap()).await,
        false,
    );
}

#[tokio::test]
async fn made_up_tokens_are_nobodys() {
    let world = World::open();
    let session = world.sign_up("claire").await;
    let token = &session.tokens.access_token;
    for made_up in ["", "x", &token[1..], &format!("{token}x"), &token.to_lowercase()] {
        assert_unknown(world.who_is(made_up).await, false);
    }
}
