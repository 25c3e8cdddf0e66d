use pli_accounts::{
    AccountsError, Language, accounts::Email, devices::SessionRequest, login::Identifier,
    validation::TokenRequest,
};
use ruma::ClientSecret;
use serde_json::value::RawValue;

use crate::support::{CLAIRE, PASSWORD, SAMIR, World, challenge, email_auth, password_auth};

const SECRET: &str = "reset_secret";
const NEW_PASSWORD: &str = "a new and longer password";

async fn request_reset(world: &World, address: &str) -> String {
    let request = TokenRequest {
        client_secret: &ClientSecret::parse(SECRET).unwrap(),
        email: &Email::parse(address).unwrap(),
        send_attempt: 1,
        next_link: None,
        language: Language::English,
    };
    world.services.credentials.request_reset_token(request).await.unwrap().to_string()
}

async fn can_sign_in(world: &World, name: &str, password: &str) -> bool {
    let identifier = Identifier::User(name.to_owned());
    let request = SessionRequest::default();
    world.services.login.with_password(&identifier, password, &request).await.is_ok()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_mail_and_thieves_are_signed_out() {
    let world = World::by_mail();
    let session = world.sign_up_by_mail(CLAIRE).await;
    let sid = request_reset(&world, CLAIRE).await;
    let mail = world.receive_mails().await.pop().unwrap();
    world.services.validation.submit(&sid, Some(SECRET), &mail.code()).await.unwrap();

    let auth = email_auth(&sid, SECRET, None);
    let user_id = world
        .services
        .credentials
        .change_password(None, NEW_PASSWORD, true, Some(&auth))
        .await
        .unwrap();
    assert_eq!(user_id, session.requester.user_id);
    assert!(can_sign_in(&world, "claire.martin", NEW_PASSWORD).await);
    assert!(!can_sign_in(&world, "claire.martin", PASSWORD).await);
    assert!(world.who_is(&session.tokens.access_token).await.is_err());
    // The code is used up.
    let again = world.services.credentials.change_password(None, PASSWORD, true, Some(&auth)).await;
    challenge(again);
}

#[tokio::test]
async fn a_reset_for_an_unknown_address_answers_the_same_and_mails_nobody() {
    let world = World::by_mail();
    let sid = request_reset(&world, "nobody@interieur.example").await;
    assert_eq!(sid.len(), 24);
    assert!(world.receive_mails().await.is_empty());
    let guess = world.services.validation.submit(&sid, Some(SECRET), "123456").await;
    assert!(matches!(guess, Err(AccountsError::TokenIncorrect)), "{guess:?}");
}

#[tokio::test]
async fn a_sign_up_code_resets_no_password() {
    let world = World::by_mail();
    let sid = world.confirm_address(CLAIRE, SECRET).await;
    let auth = email_auth(&sid, SECRET, None);
    let outcome =
        world.services.credentials.change_password(None, NEW_PASSWORD, true, Some(&auth)).await;
    challenge(outcome);
}

#[tokio::test]
async fn somebody_elses_mail_does_not_change_my_password() {
    let world = World::by_mail();
    let claire = world.sign_up_by_mail(CLAIRE).await.requester;
    world.sign_up_by_mail(SAMIR).await;
    let sid = request_reset(&world, SAMIR).await;
    let code = world.receive_mails().await.pop().unwrap().code();
    world.services.validation.submit(&sid, Some(SECRET), &code).await.unwrap();

    let auth = email_auth(&sid, SECRET, None);
    let outcome = world
        .services
        .credentials
        .change_password(Some(&claire), NEW_PASSWORD, true, Some(&auth))
        .await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");
    assert!(can_sign_in(&world, "claire.martin", PASSWORD).await);
}

#[tokio::test]
async fn changing_the_password_keeps_this_device_and_ends_the_others_unless_asked_not_to() {
    let world = World::open();
    let here = world.sign_up("claire").await;
    let there = world.sign_in("claire", false).await;
    let requester = here.requester.clone();
    let credentials = &world.services.credentials;

    let wrong = password_auth(&requester.user_id, "wrong password", None);
    let refused =
        credentials.change_password(Some(&requester), NEW_PASSWORD, false, Some(&wrong)).await;
    assert_eq!(challenge(refused).auth_error.unwrap().kind.errcode().as_str(), "M_FORBIDDEN");

    let right = password_auth(&requester.user_id, PASSWORD, None);
    credentials.change_password(Some(&requester), NEW_PASSWORD, false, Some(&right)).await.unwrap();
    world.who_is(&there.tokens.access_token).await.unwrap();

    let right = password_auth(&requester.user_id, NEW_PASSWORD, None);
    credentials.change_password(Some(&requester), PASSWORD, true, Some(&right)).await.unwrap();
    world.who_is(&here.tokens.access_token).await.unwrap();
    assert!(world.who_is(&there.tokens.access_token).await.is_err());
}

#[tokio::test]
async fn deactivating_ends_everything_and_frees_the_address_but_never_the_name() {
    let world = World::by_mail();
    let session = world.sign_up_by_mail(CLAIRE).await;
    let user_id = session.requester.user_id;
    let (account_data, filters) = (&world.services.account_data, &world.services.filters);
    let note = RawValue::from_string(r#"{"text":"mine"}"#.to_owned()).unwrap();
    account_data.put(&user_id, None, "org.example.note", &note).await.unwrap();
    let filter_id = filters.create(&user_id, "{}".to_owned()).await.unwrap();
    let credentials = &world.services.credentials;
    challenge(credentials.authorise_deactivation(&user_id, true, None).await);
    let auth = password_auth(&user_id, PASSWORD, None);
    let permit = credentials.authorise_deactivation(&user_id, true, Some(&auth)).await.unwrap();
    credentials.deactivate(&user_id, true, &permit).await.unwrap();

    assert!(world.who_is(&session.tokens.access_token).await.is_err());
    assert!(!world.services.accounts.is_active(&user_id).await.unwrap());
    assert!(world.services.profiles.get(&user_id).await.unwrap().is_none());
    assert!(world.services.devices.list(&user_id).await.unwrap().is_empty());
    assert!(account_data.get(&user_id, None, "org.example.note").await.unwrap().is_none());
    let filter = filters.get(&user_id, &filter_id).await;
    assert!(matches!(filter, Err(AccountsError::NotFound(_))), "{filter:?}");
    let samir = world.sign_up_by_mail(SAMIR).await.requester.user_id;
    let found = world.services.directory.search(&samir, "claire", 10).await.unwrap();
    assert!(found.users.is_empty(), "{found:?}");

    let again = world.sign_up_by_mail(CLAIRE).await;
    assert_eq!(again.requester.user_id, "@claire.martin2:interieur.example");
}
