//! The public rooms of third-party networks: lists beside the server's own directory, kept by the
//! services that bridge to the networks.

use std::fmt;

use pli_accounts::Requester;
use pli_store::{Batch, Direction, Keyspace};
use ruma::{OwnedRoomId, RoomId};

use crate::{AppServiceError, AppServices};

/// service, network, room → the network's list shows the room.
pub(crate) const SERVICE_ROOMS: Keyspace<(String, String, OwnedRoomId), ()> =
    Keyspace::new("app_service_rooms");

/// How many rows a scan takes at once.
const PAGE: usize = 1_000;
/// How long a network's id may be, in bytes: it is part of keys.
const MAX_NETWORK_ID: usize = 255;

/// A network that a service bridges to. As text it is what clients know as `instance_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The service.
    pub service_id: String,
    /// The service's name for the network.
    pub network_id: String,
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}|{}", self.service_id, self.network_id)
    }
}

impl Network {
    /// The network with an `instance_id`, if it can be one.
    #[must_use]
    pub fn parse(instance_id: &str) -> Option<Self> {
        // A service's id has no bar in it.
        let (service_id, network_id) = instance_id.split_once('|')?;
        Some(Self { service_id: service_id.to_owned(), network_id: network_id.to_owned() })
    }
}

impl AppServices {
    /// Shows a room in the list of one of the service's networks, or takes it out.
    ///
    /// # Errors
    /// [`AppServiceError::Forbidden`] unless a service asks, [`AppServiceError::InvalidParam`] for an
    /// overlong network; when the room is unknown or the store fails.
    pub async fn set_listed(
        &self,
        requester: &Requester,
        network_id: &str,
        room_id: &RoomId,
        is_listed: bool,
    ) -> Result<(), AppServiceError> {
        let service = self.acting(requester).ok_or_else(|| {
            AppServiceError::Forbidden("only application services have lists of rooms".to_owned())
        })?;
        if network_id.len() > MAX_NETWORK_ID {
            return Err(AppServiceError::InvalidParam(format!(
                "a network's id can have at most {MAX_NETWORK_ID} bytes"
            )));
        }
        if is_listed {
            // Fails for a room that isn't here.
            self.inner.rooms.is_in_directory(room_id).await?;
        }
        let key = (service.registration.id.as_str(), network_id, room_id);
        let mut batch = Batch::new();
        if is_listed {
            batch.put(&SERVICE_ROOMS, key, &());
        } else {
            batch.delete(&SERVICE_ROOMS, key);
        }
        self.inner.store.commit(batch).await?;
        Ok(())
    }

    /// The rooms that a network's list shows; those of all networks if none is given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn listed_rooms(
        &self,
        network: Option<&Network>,
    ) -> Result<Vec<OwnedRoomId>, AppServiceError> {
        let snapshot = self.inner.store.snapshot().await?;
        let mut rooms = Vec::new();
        let mut last = None;
        loop {
            let mut range = match network {
                Some(Network { service_id, network_id }) => {
                    SERVICE_ROOMS.prefix((service_id, network_id))
                }
                None => SERVICE_ROOMS.all(),
            };
            if let Some(last) = &last {
                range = range.after(last);
            }
            let rows = snapshot.scan(&SERVICE_ROOMS, range, PAGE, Direction::Forward).await?;
            let is_last = rows.len() < PAGE;
            last = rows.last().map(|row| row.key.clone());
            rooms.extend(rows.into_iter().map(|row| row.key.2));
            if is_last {
                return Ok(rooms);
            }
        }
    }
}
