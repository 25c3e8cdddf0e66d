use bytesize::ByteSize;
use pli_accounts::{
    AccountsError,
    devices::{NewSession, SessionRequest},
    login::Identifier,
};

use crate::support::{CLAIRE, PASSWORD, World, password_auth};

async fn sign_in(
    world: &World,
    identifier: Identifier,
    password: &str,
) -> Result<NewSession, AccountsError> {
    let request = SessionRequest::default();
    world.services.login.with_password(&identifier, password, &request).await
}

fn user(name: &str) -> Identifier {
    Identifier::User(name.to_owned())
}

#[tokio::test]
async fn people_sign_in_with_whatever_they_know_of_themselves() {
    let world = World::by_mail();
    let user_id = world.sign_up_by_mail(CLAIRE).await.requester.user_id;
    let identifiers = [
        user("claire.martin"),
        user("Claire.Martin"),
        user("@claire.martin:interieur.example"),
        user("claire.martin@interieur.example"),
        Identifier::Email(" Claire.Martin@Interieur.Example ".to_owned()),
    ];
    for identifier in identifiers {
        let session = sign_in(&world, identifier.clone(), PASSWORD).await.unwrap();
        assert_eq!(session.requester.user_id, user_id, "{identifier:?}");
    }
}

#[tokio::test]
async fn strangers_cannot_tell_unknown_people_from_wrong_passwords() {
    let world = World::by_mail();
    world.sign_up_by_mail(CLAIRE).await;
    let gone = world.sign_up_by_mail("hugo.petit@interieur.example").await.requester.user_id;
    let auth = password_auth(&gone, PASSWORD, None);
    let credentials = &world.services.credentials;
    let permit = credentials.authorise_deactivation(&gone, false, Some(&auth)).await.unwrap();
    credentials.deactivate(&gone, false, &permit).await.unwrap();

    let mut answers = Vec::new();
    let attempts = [
        user("claire.martin"),
        user("nobody"),
        user("hugo.petit"),
        user("@claire.martin:other.example"),
        user("not a name"),
        Identifier::Email("nobody@interieur.example".to_owned()),
        Identifier::Email("not an address".to_owned()),
    ];
    for identifier in attempts {
        let before = world.services.passwords.computed();
        let Err(AccountsError::Forbidden(answer)) =
            sign_in(&world, identifier, "a wrong password").await
        else {
            panic!("a wrong password opened a session");
        };
        // As much work for nobody as for somebody.
        assert_eq!(world.services.passwords.computed(), before + 1);
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_deactivated_account_says_so_only_to_its_owner() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let auth = password_auth(&user_id, PASSWORD, None);
    let credentials = &world.services.credentials;
    let permit = credentials.authorise_deactivation(&user_id, false, Some(&auth)).await.unwrap();
    credentials.deactivate(&user_id, false, &permit).await.unwrap();

    let outcome = sign_in(&world, user("claire"), PASSWORD).await;
    assert!(matches!(outcome, Err(AccountsError::UserDeactivated)), "{outcome:?}");
}

#[tokio::test]
async fn a_stronger_cost_reaches_old_passwords_at_the_next_sign_in() {
    let world = World::open();
    world.sign_up("claire").await;
    let world = world.restart_with(|config| config.passwords.argon2_memory = ByteSize::kib(128));

    let before = world.services.passwords.computed();
    sign_in(&world, user("claire"), PASSWORD).await.unwrap();
    assert_eq!(world.services.passwords.computed(), before + 2, "checked and hashed again");
    sign_in(&world, user("claire"), PASSWORD).await.unwrap();
    assert_eq!(world.services.passwords.computed(), before + 3, "up to date now");
}

#[tokio::test]
async fn signing_in_again_on_a_device_keeps_it_and_ends_its_old_token() {
    let world = World::open();
    let first = world.sign_up("claire").await;
    let request = SessionRequest {
        device_id: Some(first.requester.device_id.clone()),
        initial_device_display_name: Some("ignored".to_owned()),
        refresh_token: false,
    };
    world.who_is(&first.tokens.access_token).await.unwrap();
    let again =
        world.services.login.with_password(&user("claire"), PASSWORD, &request).await.unwrap();
    assert_eq!(again.requester, first.requester);
    assert!(world.who_is(&first.tokens.access_token).await.is_err());
    world.who_is(&again.tokens.access_token).await.unwrap();
    let devices = world.services.devices.list(&first.requester.user_id).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].display_name, None);
}

#[tokio::test]
async fn a_login_token_opens_one_session_soon_or_none() {
    let world = World::open();
    let user_id = world.sign_up("claire").await.requester.user_id;
    let login = &world.services.login;
    let request = SessionRequest::default();
    let (token, _) = login.issue_token(&user_id, None).await.unwrap();
    let session = login.with_token(&token, &request).await.unwrap();
    assert_eq!(session.requester.user_id, user_id);
    assert!(matches!(login.with_token(&token, &request).await, Err(AccountsError::Forbidden(_))));

    let (late, _) = login.issue_token(&user_id, None).await.unwrap();
    world.advance(3);
    assert!(matches!(login.with_token(&late, &request).await, Err(AccountsError::Forbidden(_))));
    world.services.housekeeping.sweep().await.unwrap();
}
