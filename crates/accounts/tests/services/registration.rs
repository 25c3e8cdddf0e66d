use pli_accounts::{
    AccountsError, RegistrationConfig, RegistrationMode, profiles::DISPLAY_NAME,
    registration::NewAccount,
};
use ruma::user_id;
use serde_json::json;

use crate::support::{CLAIRE, PASSWORD, SAMIR, World, auth, challenge, email_auth, new_account};

const SECRET: &str = "secret_one";

#[tokio::test]
async fn a_work_address_becomes_an_account_with_a_name_that_others_know() {
    let world = World::by_mail();
    let session = world.sign_up_by_mail(CLAIRE).await;

    assert_eq!(session.requester.user_id, "@claire.martin:interieur.example");
    assert_eq!(world.who_is(&session.tokens.access_token).await.unwrap(), session.requester);
    let profile = world.services.profiles.get(&session.requester.user_id).await.unwrap().unwrap();
    assert_eq!(profile.fields[DISPLAY_NAME], "Claire Martin [Intérieur]");
    let emails = world.services.accounts.emails(&session.requester.user_id).await.unwrap();
    assert_eq!(emails[0].0, CLAIRE);
    // Nobody asked for a refresh token, so there is none, and the access token doesn't expire.
    assert!(session.tokens.refresh_token.is_none());
    assert!(session.tokens.expires_in.is_none());
}

#[tokio::test]
async fn an_address_of_another_domain_gets_no_mail_and_a_clear_answer() {
    let world = World::by_mail();
    for address in ["eve@evil.example", "eve@sub.interieur.example", "eve@xinterieur.example"] {
        let outcome = world.request_sign_up(address, SECRET, 1).await;
        let Err(AccountsError::ThreepidDenied(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("@interieur.example"), "{message}");
    }
    assert!(world.receive_mails().await.is_empty());
}

#[tokio::test]
async fn two_people_of_the_same_name_both_get_in() {
    let world = World::by_mail();
    let first = world.sign_up_by_mail("claire.martin@interieur.example").await;
    let second = world.sign_up_by_mail("claire-martin@interieur.example").await;
    let third = world.sign_up_by_mail("clairé.martin@interieur.example").await;
    assert_eq!(first.requester.user_id, "@claire.martin:interieur.example");
    assert_eq!(second.requester.user_id, "@claire-martin:interieur.example");
    assert_eq!(third.requester.user_id, "@claire.martin2:interieur.example");
}

#[tokio::test]
async fn the_client_does_not_choose_somebody_elses_name_where_names_come_from_addresses() {
    let world = World::by_mail();
    let sid = world.confirm_address(SAMIR, SECRET).await;
    let account = new_account(Some("claire.martin"));
    let auth = email_auth(&sid, SECRET, None);
    let registered = world.services.registration.register(&account, Some(&auth)).await.unwrap();
    assert_eq!(registered.user_id, "@samir.benali:interieur.example");
}

#[tokio::test]
async fn a_confirmed_address_makes_one_account_only() {
    let world = World::by_mail();
    let sid = world.confirm_address(CLAIRE, SECRET).await;
    let auth = email_auth(&sid, SECRET, None);
    let registration = &world.services.registration;
    registration.register(&new_account(None), Some(&auth)).await.unwrap();
    let again = registration.register(&new_account(None), Some(&auth)).await;
    let error = challenge(again).auth_error.unwrap();
    assert_eq!(error.kind.errcode().as_str(), "M_THREEPID_AUTH_FAILED");
}

#[tokio::test]
async fn whether_an_address_has_an_account_shows_only_in_its_mail() {
    let world = World::by_mail();
    world.sign_up_by_mail(CLAIRE).await;

    let sid = world.request_sign_up(CLAIRE, "another_secret", 1).await.unwrap();
    let mails = world.receive_mails().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("déjà"), "{}", mails[0].text());
    let guess = world.services.validation.submit(&sid, Some("another_secret"), "000000").await;
    assert!(matches!(guess, Err(AccountsError::TokenIncorrect)), "{guess:?}");
}

#[tokio::test]
async fn an_unconfirmed_or_stolen_session_makes_no_account() {
    let world = World::by_mail();
    let registration = &world.services.registration;
    let sid = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let unconfirmed = email_auth(&sid, SECRET, None);
    challenge(registration.register(&new_account(None), Some(&unconfirmed)).await);

    let mail = world.receive_mails().await.pop().unwrap();
    world.services.validation.submit(&sid, Some(SECRET), &mail.code()).await.unwrap();
    let stolen = email_auth(&sid, "not_the_secret", None);
    challenge(registration.register(&new_account(None), Some(&stolen)).await);

    let right = email_auth(&sid, SECRET, None);
    registration.register(&new_account(None), Some(&right)).await.unwrap();
}

#[tokio::test]
async fn the_link_in_the_mail_confirms_without_typing() {
    let world = World::by_mail();
    let sid = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let link = world.receive_mails().await.pop().unwrap().link();
    assert!(link.as_str().starts_with("https://pli.interieur.example/_matrix/client/"));
    let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();

    // Opening it (as a mail scanner does) confirms nothing yet.
    world.services.validation.open_link(&sid, &token).await.unwrap();
    let auth = email_auth(&sid, SECRET, None);
    let registration = &world.services.registration;
    challenge(registration.register(&new_account(None), Some(&auth)).await);

    world.services.validation.submit(&sid, None, &token).await.unwrap();
    registration.register(&new_account(None), Some(&auth)).await.unwrap();
}

#[tokio::test]
async fn an_expired_code_is_refused() {
    let world = World::by_mail();
    let sid = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let mail = world.receive_mails().await.pop().unwrap();
    world.advance(61);
    let late = world.services.validation.submit(&sid, Some(SECRET), &mail.code()).await;
    assert!(matches!(late, Err(AccountsError::NoValidSession)), "{late:?}");
}

#[tokio::test]
async fn five_wrong_codes_end_the_session_even_for_the_right_one() {
    let world = World::by_mail();
    let sid = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let code = world.receive_mails().await.pop().unwrap().code();
    for _ in 0..5 {
        let wrong = world.services.validation.submit(&sid, Some(SECRET), "12345").await;
        assert!(matches!(wrong, Err(AccountsError::TokenIncorrect)), "{wrong:?}");
    }
    let right = world.services.validation.submit(&sid, Some(SECRET), &code).await;
    assert!(matches!(right, Err(AccountsError::NoValidSession)), "{right:?}");
}

#[tokio::test]
async fn repeating_an_attempt_sends_no_second_mail_and_a_new_attempt_does() {
    let world = World::by_mail();
    let first = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let same = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    assert_eq!(first, same);
    assert_eq!(world.receive_mails().await.len(), 1);

    let next = world.request_sign_up(CLAIRE, SECRET, 2).await.unwrap();
    assert_eq!(first, next);
    let code = world.receive_mails().await.pop().unwrap().code();
    world.services.validation.submit(&next, Some(SECRET), &code).await.unwrap();
}

#[tokio::test]
async fn nobody_can_flood_an_address_with_mails() {
    let world = World::by_mail();
    for attempt in 1..=6 {
        world.request_sign_up(CLAIRE, SECRET, attempt).await.unwrap();
    }
    let refused = world.request_sign_up(CLAIRE, "other_secret", 1).await;
    assert!(matches!(refused, Err(AccountsError::LimitExceeded { .. })), "{refused:?}");
    // Others are not affected, and an hour later it works again.
    world.request_sign_up(SAMIR, SECRET, 1).await.unwrap();
    world.advance(61);
    world.request_sign_up(CLAIRE, "other_secret", 1).await.unwrap();
}

#[tokio::test]
async fn a_confirmation_survives_a_restart() {
    let world = World::by_mail();
    let sid = world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let world = world.restart();
    // The mail was queued before the crash and is sent after it.
    let code = world.receive_mails().await.pop().unwrap().code();
    world.services.validation.submit(&sid, Some(SECRET), &code).await.unwrap();
    let world = world.restart();
    let auth = email_auth(&sid, SECRET, None);
    let registered =
        world.services.registration.register(&new_account(None), Some(&auth)).await.unwrap();
    let world = world.restart();
    let session = registered.session.unwrap();
    assert_eq!(world.who_is(&session.tokens.access_token).await.unwrap(), session.requester);
}

#[tokio::test]
async fn a_registration_token_is_asked_for_and_checked() {
    let world = World::new(RegistrationConfig {
        mode: RegistrationMode::Token,
        token: Some("open sesame".to_owned()),
        ..RegistrationConfig::default()
    });
    let registration = &world.services.registration;
    let info = challenge(registration.register(&new_account(Some("claire")), None).await);
    assert_eq!(info.flows[0].stages[0].as_str(), "m.login.registration_token");

    let wrong = auth(json!({ "type": "m.login.registration_token", "token": "sesame" }));
    challenge(registration.register(&new_account(Some("claire")), Some(&wrong)).await);
    let right = auth(json!({ "type": "m.login.registration_token", "token": "open sesame" }));
    registration.register(&new_account(Some("claire")), Some(&right)).await.unwrap();
}

#[tokio::test]
async fn dummy_authentication_is_refused_where_a_proof_is_asked_for() {
    let world = World::by_mail();
    let dummy = auth(json!({ "type": "m.login.dummy" }));
    let outcome =
        world.services.registration.register(&new_account(Some("eve")), Some(&dummy)).await;
    assert!(matches!(outcome, Err(AccountsError::InvalidParam(_))), "{outcome:?}");
}

#[tokio::test]
async fn nobody_signs_up_where_it_is_closed() {
    let world = World::new(RegistrationConfig {
        mode: RegistrationMode::Closed,
        ..RegistrationConfig::default()
    });
    let outcome = world.services.registration.register(&new_account(Some("eve")), None).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_taken_name_a_bad_name_and_a_short_password_are_refused_with_reasons() {
    let world = World::open();
    world.sign_up("claire").await;
    let registration = &world.services.registration;
    let dummy = auth(json!({ "type": "m.login.dummy" }));

    let taken = registration.register(&new_account(Some("Claire")), Some(&dummy)).await;
    assert!(matches!(taken, Err(AccountsError::UserInUse)), "{taken:?}");
    let bad = registration.register(&new_account(Some("clai re")), Some(&dummy)).await;
    assert!(matches!(bad, Err(AccountsError::InvalidUsername(_))), "{bad:?}");
    let short = NewAccount { password: Some("short".to_owned()), ..new_account(Some("samir")) };
    let weak = registration.register(&short, Some(&dummy)).await;
    assert!(matches!(weak, Err(AccountsError::WeakPassword(_))), "{weak:?}");
    let none = NewAccount { password: None, ..new_account(Some("samir")) };
    let missing = registration.register(&none, Some(&dummy)).await;
    assert!(matches!(missing, Err(AccountsError::MissingParam(_))), "{missing:?}");
    assert!(!world.services.accounts.exists(user_id!("@samir:interieur.example")).await.unwrap());
}

#[tokio::test]
async fn who_inhibits_the_login_gets_an_account_without_a_session() {
    let world = World::open();
    let account = NewAccount {
        username: Some("claire".to_owned()),
        password: Some(PASSWORD.to_owned()),
        session: None,
    };
    let dummy = auth(json!({ "type": "m.login.dummy" }));
    let registered = world.services.registration.register(&account, Some(&dummy)).await.unwrap();
    assert!(registered.session.is_none());
    assert!(world.services.devices.list(&registered.user_id).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_sign_ups_for_one_name_at_the_same_moment_make_one_account() {
    let world = World::open();
    let dummy = auth(json!({ "type": "m.login.dummy" }));
    let account = new_account(Some("claire"));
    let registration = &world.services.registration;
    let attempts = (0..8).map(|_| registration.register(&account, Some(&dummy)));
    let outcomes = futures_util::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}
