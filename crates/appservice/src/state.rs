//! How far each service has been told what happens.

use pli_store::{Keyspace, Position, Record};
use serde::{Deserialize, Serialize};

/// service → how far it has come. The row is also the service's lease: whoever serves it requires
/// that the row is as they wrote it.
pub(crate) const SERVICE_STATE: Keyspace<String, ServiceState> = Keyspace::new("app_service_state");

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ServiceState {
    /// Grows whenever a node begins to serve the service: what a former one still does is void.
    pub(crate) epoch: u64,
    /// Everything up to here is in transactions that the service has, or in the one that waits.
    pub(crate) position: Position,
    /// What is being sent, exactly as it is sent again until the service has taken it.
    pub(crate) pending: Option<PendingTransaction>,
}

impl Record for ServiceState {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingTransaction {
    /// The transaction's id.
    pub(crate) id: String,
    /// Its body, JSON.
    pub(crate) body: String,
}
