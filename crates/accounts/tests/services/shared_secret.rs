use hmac::{Hmac, KeyInit, Mac};
use pli_accounts::{
    AccountsError, RegistrationConfig, RegistrationMode, shared_secret::SharedSecretRequest,
};
use sha1::Sha1;

use crate::support::{PASSWORD, World};

const SECRET: &str = "shared between operator and script";

fn world() -> World {
    World::new(RegistrationConfig {
        mode: RegistrationMode::Closed,
        shared_secret: Some(SECRET.to_owned()),
        ..RegistrationConfig::default()
    })
}

fn sign(secret: &str, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(parts.join("\0").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request<'a>(nonce: &'a str, mac: &'a str, admin: bool) -> SharedSecretRequest<'a> {
    SharedSecretRequest {
        nonce,
        username: "claire",
        password: PASSWORD,
        admin,
        user_type: None,
        display_name: Some("Claire"),
        mac,
        inhibit_login: false,
    }
}

#[tokio::test]
async fn who_knows_the_secret_creates_accounts() {
    let world = world();
    let service = &world.services.shared_secret;
    let nonce = service.nonce().unwrap();
    let mac = sign(SECRET, &[&nonce, "claire", PASSWORD, "admin"]);
    let registered = service.register(request(&nonce, &mac, true)).await.unwrap();
    let user = world.services.accounts.get(&registered.user_id).await.unwrap().unwrap();
    assert!(user.admin);
    let session = registered.session.unwrap();
    world.who_is(&session.tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn a_wrong_signature_a_used_or_late_nonce_and_a_raised_role_are_refused() {
    let world = world();
    let service = &world.services.shared_secret;
    let nonce = service.nonce().unwrap();
    let mac = sign("guess", &[&nonce, "claire", PASSWORD, "notadmin"]);
    let outcome = service.register(request(&nonce, &mac, false)).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "{outcome:?}");
    let mac = sign(SECRET, &[&nonce, "claire", PASSWORD, "notadmin"]);
    let outcome = service.register(request(&nonce, &mac, false)).await;
    assert!(matches!(outcome, Err(AccountsError::InvalidParam(_))), "used: {outcome:?}");

    let nonce = service.nonce().unwrap();
    let mac = sign(SECRET, &[&nonce, "claire", PASSWORD, "notadmin"]);
    let outcome = service.register(request(&nonce, &mac, true)).await;
    assert!(matches!(outcome, Err(AccountsError::Forbidden(_))), "raised: {outcome:?}");

    let nonce = service.nonce().unwrap();
    world.advance(2);
    let mac = sign(SECRET, &[&nonce, "claire", PASSWORD, "notadmin"]);
    let outcome = service.register(request(&nonce, &mac, false)).await;
    assert!(matches!(outcome, Err(AccountsError::InvalidParam(_))), "late: {outcome:?}");
}

#[tokio::test]
async fn without_a_secret_it_does_not_exist() {
    let world = World::open();
    let service = &world.services.shared_secret;
    assert!(matches!(service.nonce(), Err(AccountsError::Unrecognized)));
    let mac = sign("", &["n", "claire", PASSWORD, "notadmin"]);
    let outcome = service.register(request("n", &mac, false)).await;
    assert!(matches!(outcome, Err(AccountsError::Unrecognized)), "{outcome:?}");
}
