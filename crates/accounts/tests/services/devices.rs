use std::net::IpAddr;

use pli_accounts::{AccountsError, devices::SessionRequest, login::Identifier};
use pli_store::Touch;
use ruma::OwnedDeviceId;

use crate::support::{PASSWORD, World};

#[tokio::test]
async fn a_device_has_the_name_its_client_gave_it_until_renamed() {
    let world = World::open();
    world.sign_up("claire").await;
    let request = SessionRequest {
        device_id: Some("PHONE".into()),
        initial_device_display_name: Some("Claire’s phone".to_owned()),
        refresh_token: false,
    };
    let identifier = Identifier::User("claire".to_owned());
    let session =
        world.services.login.with_password(&identifier, PASSWORD, &request).await.unwrap();
    let user_id = session.requester.user_id;
    let devices = &world.services.devices;
    let phone: OwnedDeviceId = "PHONE".into();
    assert_eq!(
        devices.get(&user_id, &phone).await.unwrap().display_name.as_deref(),
        Some("Claire’s phone")
    );
    devices.rename(&user_id, &phone, Some("Old phone".to_owned())).await.unwrap();
    assert_eq!(
        devices.get(&user_id, &phone).await.unwrap().display_name.as_deref(),
        Some("Old phone")
    );
    let too_long = devices.rename(&user_id, &phone, Some("x".repeat(256))).await;
    assert!(matches!(too_long, Err(AccountsError::TooLarge(_))), "{too_long:?}");
    let unknown = devices.rename(&user_id, "NONE".into(), None).await;
    assert!(matches!(unknown, Err(AccountsError::NotFound(_))), "{unknown:?}");
}

#[tokio::test]
async fn removing_a_device_wakes_those_who_encrypt_to_it() {
    let world = World::open();
    let session = world.sign_up("claire").await;
    let mut commits = world.store.subscribe();
    let requester = session.requester;
    world.services.devices.remove(&requester.user_id, &[requester.device_id]).await.unwrap();
    let commit = commits.recv().await.unwrap();
    assert!(commit.touched.contains(&Touch::DeviceList(requester.user_id)));
}

#[tokio::test]
async fn when_a_device_was_seen_is_written_rarely() {
    let world = World::open();
    let requester = world.sign_up("claire").await.requester;
    let devices = &world.services.devices;
    let address: IpAddr = "192.0.2.7".parse().unwrap();
    devices.seen(&requester, address).await.unwrap();
    let first = devices.list(&requester.user_id).await.unwrap().remove(0);
    assert_eq!(first.last_seen_ip.as_deref(), Some("192.0.2.7"));

    let position = world.store.position().await.unwrap();
    world.advance(4);
    devices.seen(&requester, address).await.unwrap();
    assert_eq!(world.store.position().await.unwrap(), position, "no write within five minutes");
    world.advance(2);
    devices.seen(&requester, address).await.unwrap();
    let later = devices.list(&requester.user_id).await.unwrap().remove(0);
    assert_eq!(later.last_seen_ms, first.last_seen_ms.map(|ms| ms + 6 * 60 * 1000));
}

#[tokio::test]
async fn a_device_id_that_breaks_others_is_refused() {
    let world = World::open();
    world.sign_up("claire").await;
    let identifier = Identifier::User("claire".to_owned());
    for device_id in ["", "a\nb", &"x".repeat(256)] {
        let request =
            SessionRequest { device_id: Some(device_id.into()), ..SessionRequest::default() };
        let outcome = world.services.login.with_password(&identifier, PASSWORD, &request).await;
        assert!(matches!(outcome, Err(AccountsError::InvalidParam(_))), "{device_id:?}");
    }
}
