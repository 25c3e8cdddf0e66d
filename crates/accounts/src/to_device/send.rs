//! `PUT /sendToDevice/{eventType}/{txnId}`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pli_store::{Batch, Direction, Expect, Snapshot, Touch};
use ruma::{
    DeviceId, OwnedDeviceId, OwnedUserId, UserId, events::AnyToDeviceEventContent, serde::Raw,
    to_device::DeviceIdOrAllDevices,
};

use super::{
    TO_DEVICE_MESSAGES, TO_DEVICE_TRANSACTION_AGES, TO_DEVICE_TRANSACTIONS, ToDevice, Transaction,
};
use crate::{
    AccountsError,
    devices::{DEVICES, Devices},
    keys::{RawJson, check_depth, push_json_string},
};

/// How many devices one request may reach.
const MAX_TARGETS: usize = 10_000;
/// How many bytes the content of one message may have: as an event's.
const MAX_CONTENT_BYTES: usize = 65_535;
/// How long an event type or a transaction id may be, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// For how long a repeated transaction is recognised. Clients repeat within minutes, or when they
/// are online again.
const REMEMBERED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many old transactions each new one may clear away: more than one, so that their number falls.
const FORGOTTEN_AT_ONCE: usize = 4;

/// Contents by user, and by device or for all devices of the user.
type Messages = BTreeMap<OwnedUserId, BTreeMap<DeviceIdOrAllDevices, Raw<AnyToDeviceEventContent>>>;

impl ToDevice {
    /// Puts messages into the queues of the devices that they are for, all of them or (on an error)
    /// none; devices that don't exist are left out. The same transaction id of the same device and
    /// event type does it once.
    ///
    /// # Errors
    /// When there are too many or too large messages, or the store fails.
    pub async fn send(
        &self,
        sender: &UserId,
        device: &DeviceId,
        event_type: &str,
        transaction_id: &str,
        messages: &Messages,
    ) -> Result<(), AccountsError> {
        check(event_type, transaction_id, messages)?;
        retry_on_conflict!(
            self.try_send(sender, device, event_type, transaction_id, messages).await
        )
    }

    async fn try_send(
        &self,
        sender: &UserId,
        device: &DeviceId,
        event_type: &str,
        transaction_id: &str,
        messages: &Messages,
    ) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let transaction = (sender, device, event_type, transaction_id);
        if snapshot.get(&TO_DEVICE_TRANSACTIONS, transaction).await?.is_some() {
            return Ok(());
        }

        let mut batch = Batch::new();
        let mut targets: BTreeSet<&UserId> = BTreeSet::new();
        let envelope = Envelope::new(sender, event_type);
        for (user, device, content) in existing_targets(&snapshot, messages).await? {
            let event = envelope.around(content)?;
            batch.append(&TO_DEVICE_MESSAGES, (user, device), &event);
            targets.insert(user);
        }
        if targets.is_empty() {
            return Ok(());
        }
        for user in targets {
            batch.touch(Touch::User(user.to_owned()));
        }
        self.remember(&snapshot, &mut batch, sender, device, event_type, transaction_id).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Notes the transaction in the batch that carries it out, and forgets some old ones.
    async fn remember(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        sender: &UserId,
        device: &DeviceId,
        event_type: &str,
        transaction_id: &str,
    ) -> Result<(), AccountsError> {
        let key = (sender, device, event_type, transaction_id);
        batch.require(&TO_DEVICE_TRANSACTIONS, key, Expect::Absent);
        batch.put(&TO_DEVICE_TRANSACTIONS, key, &());
        let at_ms = self.ambient.now_ms();
        let transaction = Transaction {
            event_type: event_type.to_owned(),
            transaction_id: transaction_id.to_owned(),
            at_ms,
        };
        batch.append(&TO_DEVICE_TRANSACTION_AGES, (sender, device), &transaction);

        let remembered_ms = u64::try_from(REMEMBERED_FOR.as_millis()).unwrap_or(u64::MAX);
        let range = TO_DEVICE_TRANSACTION_AGES.prefix((sender, device));
        let oldest = snapshot
            .scan(&TO_DEVICE_TRANSACTION_AGES, range, FORGOTTEN_AT_ONCE, Direction::Forward)
            .await?;
        for row in oldest {
            let Transaction { event_type, transaction_id, at_ms: sent_ms } = row.value;
            if at_ms.saturating_sub(sent_ms) < remembered_ms {
                break;
            }
            batch.delete(&TO_DEVICE_TRANSACTIONS, (sender, device, event_type, transaction_id));
            batch.delete(&TO_DEVICE_TRANSACTION_AGES, row.key);
        }
        Ok(())
    }
}

fn check(event_type: &str, transaction_id: &str, messages: &Messages) -> Result<(), AccountsError> {
    if event_type.len() > MAX_NAME_BYTES || transaction_id.len() > MAX_NAME_BYTES {
        return Err(AccountsError::TooLarge(
            format!("event types and transaction ids can have at most {MAX_NAME_BYTES} bytes")
                .into(),
        ));
    }
    for content in messages.values().flat_map(BTreeMap::values) {
        let json = content.json().get();
        if json.len() > MAX_CONTENT_BYTES {
            return Err(AccountsError::TooLarge(
                format!("a message can have at most {MAX_CONTENT_BYTES} bytes").into(),
            ));
        }
        if !json.starts_with('{') {
            return Err(AccountsError::BadJson("a message must be a JSON object".into()));
        }
        check_depth(json)?;
    }
    if messages.values().map(BTreeMap::len).sum::<usize>() > MAX_TARGETS {
        return Err(too_many_targets());
    }
    Ok(())
}

fn too_many_targets() -> AccountsError {
    AccountsError::TooLarge(
        format!("one request can reach at most {MAX_TARGETS} devices: send several").into(),
    )
}

/// The devices that exist, each once. A message for a device by name goes before one for all
/// devices of the user.
async fn existing_targets<'a>(
    snapshot: &Snapshot,
    messages: &'a Messages,
) -> Result<Vec<(&'a UserId, OwnedDeviceId, &'a Raw<AnyToDeviceEventContent>)>, AccountsError> {
    let mut named = Vec::new();
    let mut targets = Vec::new();
    for (user, by_device) in messages {
        let for_all = by_device.get(&DeviceIdOrAllDevices::AllDevices);
        match for_all {
            Some(for_all) => {
                for device in Devices::ids_at(snapshot, user).await? {
                    let id = DeviceIdOrAllDevices::DeviceId(device.clone());
                    let content = by_device.get(&id).unwrap_or(for_all);
                    targets.push((&**user, device, content));
                }
            }
            None => named.extend(by_device.iter().filter_map(|(device, content)| match device {
                DeviceIdOrAllDevices::DeviceId(device) => Some((&**user, device, content)),
                DeviceIdOrAllDevices::AllDevices => None,
            })),
        }
        if targets.len() > MAX_TARGETS {
            return Err(too_many_targets());
        }
    }
    if !named.is_empty() {
        let rows: Vec<_> = named.iter().map(|(user, device, _)| (*user, *device)).collect();
        let found = snapshot.get_many(&DEVICES, rows).await?;
        let existing = named.into_iter().zip(found).filter(|(_, found)| found.is_some());
        targets
            .extend(existing.map(|((user, device, content), _)| (user, device.clone(), content)));
    }
    Ok(targets)
}

/// What is the same in all events of a request.
struct Envelope {
    /// `,"sender":"…","type":"…"}`
    end: String,
}

impl Envelope {
    fn new(sender: &UserId, event_type: &str) -> Self {
        let mut end = String::from(",\"sender\":");
        push_json_string(&mut end, sender.as_str());
        end.push_str(",\"type\":");
        push_json_string(&mut end, event_type);
        end.push('}');
        Self { end }
    }

    fn around(&self, content: &Raw<AnyToDeviceEventContent>) -> Result<RawJson, AccountsError> {
        let content = content.json().get();
        let mut event = String::with_capacity(content.len() + self.end.len() + 16);
        event.push_str("{\"content\":");
        event.push_str(content);
        event.push_str(&self.end);
        RawJson::parse(event).map_err(|error| AccountsError::BadJson(error.to_string().into()))
    }
}
