use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pli_store::{
    Batch, Position, Store, Touch,
    ambient::{Ambient, ManualClock, SystemEntropy},
};
use ruma::{
    DeviceId, UserId, device_id, events::AnyToDeviceEventContent, serde::Raw,
    to_device::DeviceIdOrAllDevices, user_id,
};
use serde_json::{Value, json, value::RawValue};

use super::{Pending, ToDevice};
use crate::{
    AccountsError,
    devices::{DEVICES, DeviceRecord},
    keys::forget_device,
};

const CLAIRE: &str = "@claire:example.org";
const SAMIR: &str = "@samir:example.org";

struct Server {
    store: Store,
    clock: Arc<ManualClock>,
    to_device: ToDevice,
}

fn id(user: &str) -> &UserId {
    <&UserId>::try_from(user).unwrap()
}

fn content(json: &Value) -> Raw<AnyToDeviceEventContent> {
    Raw::from_json(RawValue::from_string(json.to_string()).unwrap())
}

fn targets(
    messages: &[(&str, &str, Value)],
) -> BTreeMap<ruma::OwnedUserId, BTreeMap<DeviceIdOrAllDevices, Raw<AnyToDeviceEventContent>>> {
    let mut targets: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (user, device, json) in messages {
        let device = DeviceIdOrAllDevices::try_from(*device).unwrap();
        targets.entry(id(user).to_owned()).or_default().insert(device, content(json));
    }
    targets
}

impl Server {
    /// Claire has a phone and a laptop, Samir a phone.
    async fn new() -> Self {
        Self::with_store(Store::memory()).await
    }

    async fn with_store(store: Store) -> Self {
        let clock = Arc::new(ManualClock::new(1_000_000));
        let ambient = Ambient { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let to_device = ToDevice::new(store.clone(), ambient);
        let mut batch = Batch::new();
        for (user, device) in [(CLAIRE, "PHONE"), (CLAIRE, "LAPTOP"), (SAMIR, "PHONE")] {
            let record = DeviceRecord { display_name: None, created_ms: 0 };
            batch.put(&DEVICES, (id(user), <&DeviceId>::from(device)), &record);
        }
        store.commit(batch).await.unwrap();
        Self { store, clock, to_device }
    }

    /// Samir's phone sends.
    async fn send(
        &self,
        transaction: &str,
        messages: &[(&str, &str, Value)],
    ) -> Result<(), AccountsError> {
        let messages = targets(messages);
        let phone = device_id!("PHONE");
        self.to_device.send(id(SAMIR), phone, "m.test", transaction, &messages).await
    }

    async fn pending(&self, device: &str, after: Position, limit: usize) -> Pending {
        let snapshot = self.store.snapshot().await.unwrap();
        let device = <&DeviceId>::from(device);
        ToDevice::pending(&snapshot, id(CLAIRE), device, after, limit).await.unwrap()
    }

    /// The contents waiting for one of Claire's devices.
    async fn waiting(&self, device: &str) -> Vec<Value> {
        contents(&self.pending(device, Position::ZERO, 1_000).await)
    }
}

fn contents(pending: &Pending) -> Vec<Value> {
    let events = pending.events.iter().map(|event| serde_json::from_str(event.get()).unwrap());
    events.map(|event: Value| event["content"].clone()).collect()
}

#[tokio::test]
async fn a_message_reaches_its_device_whole_and_wakes_it() {
    let server = Server::new().await;
    let mut commits = server.store.subscribe();

    server.send("t1", &[(CLAIRE, "PHONE", json!({ "key": "value" }))]).await.unwrap();

    let pending = server.pending("PHONE", Position::ZERO, 100).await;
    let event: Value = serde_json::from_str(pending.events[0].get()).unwrap();
    assert_eq!(event, json!({ "type": "m.test", "sender": SAMIR, "content": { "key": "value" } }));
    assert!(pending.up_to.is_none());
    assert!(server.waiting("LAPTOP").await.is_empty());
    let commit = commits.recv().await.unwrap();
    assert_eq!(commit.touched, [Touch::User(id(CLAIRE).to_owned())]);
}

#[tokio::test]
async fn a_repeated_transaction_delivers_once() {
    let server = Server::new().await;
    for _ in 0..3 {
        server.send("t1", &[(CLAIRE, "PHONE", json!({ "n": 1 }))]).await.unwrap();
    }
    server.send("t2", &[(CLAIRE, "PHONE", json!({ "n": 2 }))]).await.unwrap();
    assert_eq!(server.waiting("PHONE").await, [json!({ "n": 1 }), json!({ "n": 2 })]);

    // Another device, or another type of event, has transactions of its own.
    let messages = targets(&[(CLAIRE, "PHONE", json!({ "n": 3 }))]);
    let tablet = device_id!("TABLET");
    server.to_device.send(id(SAMIR), tablet, "m.test", "t1", &messages).await.unwrap();
    let phone = device_id!("PHONE");
    server.to_device.send(id(SAMIR), phone, "m.other", "t1", &messages).await.unwrap();
    assert_eq!(server.waiting("PHONE").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_repeated_at_the_same_time_delivers_once() {
    let server = Arc::new(Server::new().await);
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let server = server.clone();
        sending.spawn(async move {
            server.send("t1", &[(CLAIRE, "PHONE", json!({ "n": 1 }))]).await.unwrap();
        });
    }
    sending.join_all().await;
    assert_eq!(server.waiting("PHONE").await, [json!({ "n": 1 })]);
}

#[tokio::test]
async fn all_devices_get_a_message_for_all_unless_they_are_named() {
    let server = Server::new().await;
    let messages =
        [(CLAIRE, "*", json!({ "for": "all" })), (CLAIRE, "LAPTOP", json!({ "for": "laptop" }))];
    server.send("t1", &messages).await.unwrap();
    assert_eq!(server.waiting("PHONE").await, [json!({ "for": "all" })]);
    assert_eq!(server.waiting("LAPTOP").await, [json!({ "for": "laptop" })]);
}

#[tokio::test]
async fn messages_for_devices_that_don_t_exist_are_dropped() {
    let server = Server::new().await;
    let before = server.store.position().await.unwrap();
    let messages = [
        (CLAIRE, "GONE", json!({})),
        ("@nobody:example.org", "*", json!({})),
        ("@hugo:justice.example", "PHONE", json!({})),
    ];
    server.send("t1", &messages).await.unwrap();
    assert_eq!(server.store.position().await.unwrap(), before);
    assert!(server.waiting("GONE").await.is_empty());
}

/// The client's token stands for what it has seen: more than that must not be deleted.
#[tokio::test]
async fn messages_stay_until_they_are_acknowledged_and_no_longer() {
    let server = Server::new().await;
    let (user, phone) = (id(CLAIRE), device_id!("PHONE"));
    for number in 0..5 {
        let messages = [(CLAIRE, "PHONE", json!({ "n": number }))];
        server.send(&format!("t{number}"), &messages).await.unwrap();
    }

    let first = server.pending("PHONE", Position::ZERO, 2).await;
    assert_eq!(contents(&first), [json!({ "n": 0 }), json!({ "n": 1 })]);
    let seen = first.up_to.unwrap();
    // The answer was lost, the client asks again.
    assert_eq!(contents(&server.pending("PHONE", Position::ZERO, 2).await), contents(&first));

    server.to_device.acknowledge(user, phone, seen).await.unwrap();
    let second = server.pending("PHONE", seen, 2).await;
    assert_eq!(contents(&second), [json!({ "n": 2 }), json!({ "n": 3 })]);
    let seen = second.up_to.unwrap();
    server.to_device.acknowledge(user, phone, seen).await.unwrap();
    let third = server.pending("PHONE", seen, 2).await;
    assert_eq!(contents(&third), [json!({ "n": 4 })]);
    assert!(third.up_to.is_none());

    let now = server.store.position().await.unwrap();
    server.to_device.acknowledge(user, phone, now).await.unwrap();
    assert!(server.waiting("PHONE").await.is_empty());
    // With nothing to delete, nothing is written.
    let position = server.store.position().await.unwrap();
    server.to_device.acknowledge(user, phone, position).await.unwrap();
    assert_eq!(server.store.position().await.unwrap(), position);
}

#[tokio::test]
async fn a_long_queue_can_be_acknowledged_at_once() {
    let server = Server::new().await;
    for number in 0..1_200 {
        let messages = [(CLAIRE, "PHONE", json!({ "n": number }))];
        server.send(&number.to_string(), &messages).await.unwrap();
    }
    let now = server.store.position().await.unwrap();
    server.to_device.acknowledge(id(CLAIRE), device_id!("PHONE"), now).await.unwrap();
    assert!(server.waiting("PHONE").await.is_empty());
}

#[tokio::test]
async fn what_is_too_large_or_not_an_object_is_refused_whole() {
    let server = Server::new().await;
    let good = (CLAIRE, "LAPTOP", json!({}));
    let too_large = (CLAIRE, "PHONE", json!({ "padding": "x".repeat(70_000) }));
    let error = server.send("t1", &[good.clone(), too_large]).await.unwrap_err();
    assert!(matches!(error, AccountsError::TooLarge(_)), "{error}");
    let error = server.send("t1", &[good.clone(), (CLAIRE, "PHONE", json!([]))]).await.unwrap_err();
    assert!(matches!(error, AccountsError::BadJson(_)), "{error}");
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "deeper": deep });
    }
    let error = server.send("t1", &[good.clone(), (CLAIRE, "PHONE", deep)]).await.unwrap_err();
    assert!(matches!(error, AccountsError::BadJson(_)), "{error}");
    let error = server.send(&"t".repeat(300), &[good]).await.unwrap_err();
    assert!(matches!(error, AccountsError::TooLarge(_)), "{error}");
    assert!(server.waiting("LAPTOP").await.is_empty());
}

/// Otherwise the rows of transactions would grow for ever.
#[tokio::test]
async fn old_transactions_are_forgotten() {
    let server = Server::new().await;
    for number in 0..10 {
        let messages = [(CLAIRE, "PHONE", json!({ "n": number }))];
        server.send(&format!("t{number}"), &messages).await.unwrap();
    }
    server.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    for number in 10..20 {
        let messages = [(CLAIRE, "PHONE", json!({ "n": number }))];
        server.send(&format!("t{number}"), &messages).await.unwrap();
    }

    let snapshot = server.store.snapshot().await.unwrap();
    let transactions = snapshot
        .scan(
            &super::TO_DEVICE_TRANSACTIONS,
            super::TO_DEVICE_TRANSACTIONS.all(),
            100,
            pli_store::Direction::Forward,
        )
        .await
        .unwrap();
    let left: Vec<_> = transactions.into_iter().map(|row| row.key.3).collect();
    assert_eq!(left.len(), 10, "{left:?}");
    assert!(left.contains(&"t10".to_owned()));
}

#[tokio::test]
async fn a_removed_device_s_queue_is_gone() {
    let server = Server::new().await;
    server.send("t1", &[(CLAIRE, "*", json!({}))]).await.unwrap();

    let snapshot = server.store.snapshot().await.unwrap();
    let mut batch = Batch::new();
    let claire = user_id!("@claire:example.org");
    forget_device(&snapshot, &mut batch, claire, device_id!("PHONE")).await.unwrap();
    drop(snapshot);
    server.store.commit(batch).await.unwrap();

    assert!(server.waiting("PHONE").await.is_empty());
    assert_eq!(server.waiting("LAPTOP").await.len(), 1);
}
