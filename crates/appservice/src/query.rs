//! What services are asked: whether users and rooms exist, and whether they are there at all.

use std::time::Duration;

use pli_accounts::Requester;
use pli_store::Stamp;
use ruma::{OwnedRoomId, OwnedUserId, RoomAliasId, RoomId, UserId};
use serde_json::json;
use tokio::time::Instant;

use crate::{AppServiceError, AppServices, courier::find_inhabitant_at};

impl AppServices {
    /// Gives the service to which an unknown user would belong the opportunity to create them. Call
    /// it before saying that there is no such user. Costs nothing for names in no namespace.
    ///
    /// # Errors
    /// When the store fails. A service that doesn't answer has no such user.
    pub async fn ask_for_user(&self, user_id: &UserId) -> Result<(), AppServiceError> {
        let inner = &self.inner;
        let candidates = inner.services.iter().filter(|service| {
            let registration = &service.registration;
            registration.url.is_some() && registration.acts_for(user_id)
        });
        for service in candidates {
            if inner.accounts.exists(user_id).await? {
                return Ok(());
            }
            let path = ["users", user_id.as_str()];
            match inner.transport.exists(&service.registration, &path).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    let id = &service.registration.id;
                    tracing::warn!(service = id, %error, "an application service can't say whether a user exists");
                }
            }
        }
        Ok(())
    }

    /// The room that an alias points to once the service to which the alias would belong was asked
    /// to create it. Call it when nobody here knows the alias.
    ///
    /// # Errors
    /// When the store fails. A service that doesn't answer has no such room.
    pub async fn ask_for_room(
        &self,
        alias: &RoomAliasId,
    ) -> Result<Option<OwnedRoomId>, AppServiceError> {
        let inner = &self.inner;
        let candidates = inner.services.iter().filter(|service| {
            let registration = &service.registration;
            registration.url.is_some() && registration.aliases.contains(alias.as_str())
        });
        for service in candidates {
            let path = ["rooms", alias.as_str()];
            match inner.transport.exists(&service.registration, &path).await {
                Ok(true) => return Ok(inner.rooms.resolve_alias(alias).await.ok()),
                Ok(false) => {}
                Err(error) => {
                    let id = &service.registration.id;
                    tracing::warn!(service = id, %error, "an application service can't say whether a room exists");
                }
            }
        }
        Ok(None)
    }

    /// As whom somebody reads who is in a room: a service that isn't in it as the user it acts for, as
    /// another of its users who is
    /// ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members)).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reader_of_members(
        &self,
        requester: &Requester,
        room_id: &RoomId,
    ) -> Result<OwnedUserId, AppServiceError> {
        let Some(service) = self.acting(requester) else { return Ok(requester.user_id.clone()) };
        let rooms = &self.inner.rooms;
        let snapshot = self.inner.store.snapshot().await?;
        if rooms.is_joined(&snapshot, &requester.user_id, room_id).await? {
            return Ok(requester.user_id.clone());
        }
        let found =
            find_inhabitant_at(&snapshot, rooms, &service.registration, room_id, Stamp::MAX)
                .await?;
        Ok(found.unwrap_or_else(|| requester.user_id.clone()))
    }

    /// Asks a service, on its own request, whether it is there. Returns how long that took.
    ///
    /// # Errors
    /// [`AppServiceError::Forbidden`] if it is another service that asks;
    /// [`AppServiceError::UrlNotSet`], [`AppServiceError::BadStatus`],
    /// [`AppServiceError::ConnectionFailed`], [`AppServiceError::ConnectionTimeout`].
    pub async fn ping(
        &self,
        requester: &Requester,
        service_id: &str,
        transaction_id: Option<&str>,
    ) -> Result<Duration, AppServiceError> {
        let service = self
            .acting(requester)
            .filter(|service| service.registration.id == service_id)
            .ok_or_else(|| {
                AppServiceError::Forbidden(
                    "the access token is not that of this application service".to_owned(),
                )
            })?;
        let body = match transaction_id {
            Some(transaction_id) => json!({ "transaction_id": transaction_id }),
            None => json!({}),
        };
        let begun = Instant::now();
        self.inner.transport.ping(&service.registration, body.to_string()).await?;
        let duration = begun.elapsed();
        // What could not be brought before can be now.
        service.is_back.notify_one();
        Ok(duration)
    }
}
