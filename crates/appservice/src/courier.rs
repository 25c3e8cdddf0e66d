//! Bringing each service what it is interested in
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#pushing-events)).
//!
//! One task follows the store's commits and puts notes into the services' inboxes; one worker for
//! each service reads the log from where the service stands, makes a transaction, writes it down and
//! sends it until the service has taken it. A note that is lost loses nothing: all but who is typing
//! is read from the store.

mod draft;
mod encryption;
mod ephemeral;
mod events;
mod inbox;
mod interest;
mod worker;

use std::sync::Arc;

use futures_util::future::join_all;
use pli_store::{Committed, Touch, ambient::Ambient};
use tokio::sync::broadcast::error::RecvError;

use self::worker::Worker;
pub(crate) use self::{inbox::Inbox, interest::find_inhabitant_at};
use crate::{AppServices, services::Service};

/// Brings the services of this server what happens.
pub struct Courier {
    services: AppServices,
    ambient: Ambient,
}

impl Courier {
    /// A courier for these services. Call [`AppServices::prepare`] before.
    #[must_use]
    pub fn new(services: AppServices, ambient: Ambient) -> Self {
        Self { services, ambient }
    }

    /// Works until the future is dropped. Dropping it loses nothing.
    pub async fn run(self) {
        let listeners: Vec<Arc<Service>> = self
            .services
            .inner
            .services
            .iter()
            .filter(|service| service.registration.url.is_some())
            .cloned()
            .collect();
        if listeners.is_empty() {
            return;
        }
        let workers = listeners.iter().map(|service| {
            Worker::new(self.services.clone(), Arc::clone(service), self.ambient.clone()).run()
        });
        let workers = join_all(workers);
        tokio::select! {
            () = self.follow(&listeners) => {}
            _ = workers => {}
        }
    }

    async fn follow(&self, listeners: &[Arc<Service>]) {
        let inner = &self.services.inner;
        let mut commits = inner.store.subscribe();
        let mut typing = inner.rooms.typing().subscribe();
        // What was committed before the subscription.
        for service in listeners {
            service.inbox.look_everywhere();
        }
        loop {
            tokio::select! {
                commit = commits.recv() => match commit {
                    Ok(committed) => note(listeners, &committed),
                    Err(RecvError::Lagged(_)) => {
                        for service in listeners {
                            service.inbox.look_everywhere();
                        }
                    }
                    Err(RecvError::Closed) => return,
                },
                room_id = typing.recv() => match room_id {
                    Ok(room_id) => {
                        for service in listeners {
                            if service.registration.receives_ephemeral {
                                service.inbox.typing_in(&room_id);
                            }
                        }
                    }
                    // Who types says so again soon.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

fn note(listeners: &[Arc<Service>], committed: &Committed) {
    for touch in &committed.touched {
        for service in listeners {
            let registration = &service.registration;
            match touch {
                Touch::Room(_) | Touch::Member { .. } => service.inbox.wake(),
                Touch::DeviceList(_) if registration.receives_encryption => service.inbox.wake(),
                Touch::User(user_id)
                    if registration.receives_encryption && registration.acts_for(user_id) =>
                {
                    service.inbox.news_for(user_id);
                }
                // Other nodes' commits were missed.
                Touch::Everything => service.inbox.look_everywhere(),
                Touch::DeviceList(_) | Touch::User(_) | Touch::Row { .. } => {}
            }
        }
    }
}
