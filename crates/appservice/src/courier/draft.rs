use std::collections::{BTreeMap, BTreeSet};

use pli_store::Position;
use ruma::{OwnedDeviceId, OwnedUserId};
use serde_json::{Map, Value, json, value::RawValue};

use crate::Registration;

/// From how many events on a transaction is full.
const MANY_EVENTS: usize = 100;
/// From how many bytes on a transaction is full.
const MANY_BYTES: usize = 1024 * 1024;

/// Keys of each device of each user.
pub(crate) type ByDevice = BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, Value>>;

/// A transaction in the making.
#[derive(Default)]
pub(crate) struct Draft {
    events: Vec<Box<RawValue>>,
    bytes: usize,
    pub(crate) ephemeral: Vec<Value>,
    pub(crate) to_device: Vec<Value>,
    /// What to take out of the devices' queues once the transaction is written down.
    pub(crate) delivered: Vec<(OwnedUserId, OwnedDeviceId, Position)>,
    pub(crate) changed: BTreeSet<OwnedUserId>,
    pub(crate) left: BTreeSet<OwnedUserId>,
    pub(crate) one_time_keys: ByDevice,
    pub(crate) fallback_types: ByDevice,
}

impl Draft {
    pub(crate) fn add_event(&mut self, event: Box<RawValue>) {
        self.bytes += event.get().len();
        self.events.push(event);
    }

    /// Whether the rest is for the next transaction.
    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= MANY_EVENTS || self.bytes >= MANY_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.ephemeral.is_empty()
            && self.to_device.is_empty()
            && self.changed.is_empty()
            && self.left.is_empty()
            && self.one_time_keys.is_empty()
    }

    /// The transaction's body. What the specification took over later is there under its former name
    /// too: services look for one of the two.
    pub(crate) fn into_body(self, service: &Registration) -> Result<String, serde_json::Error> {
        let mut body = Map::new();
        body.insert("events".to_owned(), serde_json::to_value(self.events)?);
        let mut put = |name: &str, prefix: &str, value: Value| {
            body.insert(format!("{prefix}.{name}"), value.clone());
            body.insert(name.to_owned(), value);
        };
        if !self.ephemeral.is_empty() {
            put("ephemeral", "de.sorunome.msc2409", self.ephemeral.into());
        }
        if service.receives_encryption {
            const MSC3202: &str = "org.matrix.msc3202";
            if !self.to_device.is_empty() {
                put("to_device", "de.sorunome.msc2409", self.to_device.into());
            }
            let lists = json!({ "changed": self.changed, "left": self.left });
            put("device_lists", MSC3202, lists);
            put("device_one_time_keys_count", MSC3202, serde_json::to_value(self.one_time_keys)?);
            let fallback_types = serde_json::to_value(self.fallback_types)?;
            put("device_unused_fallback_key_types", MSC3202, fallback_types);
        }
        serde_json::to_string(&body)
    }
}
