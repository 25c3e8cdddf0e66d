use std::{collections::HashMap, time::Duration};

use ruma::{DeviceId, OwnedDeviceId, presence::PresenceState};

use super::{CURRENTLY_ACTIVE_FOR_MS, PresenceNow};

/// How long after its last sync a device counts as being there.
const GONE_AFTER_MS: u64 = 30_000;
/// After how long without an action somebody who is there counts as idle.
const IDLE_AFTER_MS: u64 = 5 * 60_000;

/// Somebody who is there, or was a moment ago.
pub(super) struct Person {
    devices: HashMap<OwnedDeviceId, Device>,
    pub(super) status_msg: Option<String>,
    /// What others were told last.
    told: (PresenceState, Option<String>),
}

/// One of their devices.
pub(super) struct Device {
    /// How it wants to be seen.
    wanted: PresenceState,
    last_active_ms: u64,
    last_seen_ms: u64,
    /// How many of its syncs wait.
    syncs: usize,
}

impl Person {
    pub(super) fn new(status_msg: Option<String>) -> Self {
        let told = (PresenceState::Offline, status_msg.clone());
        Self { devices: HashMap::new(), status_msg, told }
    }

    pub(super) fn device(&mut self, device_id: &DeviceId, now_ms: u64) -> &mut Device {
        self.devices.entry(device_id.to_owned()).or_insert_with(|| Device {
            wanted: PresenceState::Offline,
            last_active_ms: now_ms,
            last_seen_ms: now_ms,
            syncs: 0,
        })
    }

    /// Notes that they do something on a device that is there.
    pub(super) fn was_active(&mut self, device_id: &DeviceId, now_ms: u64) {
        if let Some(device) = self.devices.get_mut(device_id) {
            device.last_active_ms = now_ms;
        }
    }

    pub(super) fn last_active_ms(&self) -> u64 {
        self.devices.values().map(|device| device.last_active_ms).max().unwrap_or(0)
    }

    /// Of several devices, the one that is most there counts.
    fn state(&self, now_ms: u64) -> PresenceState {
        let mut state = PresenceState::Offline;
        for device in self.devices.values() {
            match device.state(now_ms) {
                PresenceState::Online => return PresenceState::Online,
                PresenceState::Unavailable => state = PresenceState::Unavailable,
                _ => {}
            }
        }
        state
    }

    pub(super) fn is_gone(&self, now_ms: u64) -> bool {
        self.devices.values().all(|device| device.is_gone(now_ms))
    }

    pub(super) fn now(&self, now_ms: u64) -> PresenceNow {
        let state = self.state(now_ms);
        let ago_ms = now_ms.saturating_sub(self.last_active_ms());
        let is_online = state == PresenceState::Online;
        PresenceNow {
            state,
            status_msg: self.status_msg.clone(),
            currently_active: is_online.then_some(ago_ms < CURRENTLY_ACTIVE_FOR_MS),
            last_active_ago: Some(Duration::from_millis(ago_ms)),
        }
    }

    /// Whether others are to be told of something; from then on they are taken to know it.
    pub(super) fn tell(&mut self, now_ms: u64) -> bool {
        let state = self.state(now_ms);
        if self.told.0 == state && self.told.1 == self.status_msg {
            return false;
        }
        self.told = (state, self.status_msg.clone());
        true
    }
}

impl Device {
    pub(super) fn set(&mut self, wanted: PresenceState, now_ms: u64) {
        if wanted == PresenceState::Online {
            self.last_active_ms = now_ms;
        }
        self.wanted = wanted;
        self.last_seen_ms = now_ms;
    }

    pub(super) fn begin_sync(&mut self, wanted: PresenceState, now_ms: u64) {
        // Who comes back is active; who only goes on syncing may be idle.
        if self.state(now_ms) == PresenceState::Offline {
            self.last_active_ms = now_ms;
        }
        self.wanted = wanted;
        self.last_seen_ms = now_ms;
        self.syncs += 1;
    }

    pub(super) fn end_sync(&mut self, now_ms: u64) {
        self.syncs = self.syncs.saturating_sub(1);
        self.last_seen_ms = now_ms;
    }

    fn is_gone(&self, now_ms: u64) -> bool {
        self.syncs == 0 && now_ms.saturating_sub(self.last_seen_ms) > GONE_AFTER_MS
    }

    fn state(&self, now_ms: u64) -> PresenceState {
        if self.is_gone(now_ms) {
            return PresenceState::Offline;
        }
        let is_idle = now_ms.saturating_sub(self.last_active_ms) > IDLE_AFTER_MS;
        match &self.wanted {
            PresenceState::Online if is_idle => PresenceState::Unavailable,
            wanted => wanted.clone(),
        }
    }
}
