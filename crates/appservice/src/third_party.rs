//! Third-party networks: what clients ask is passed on to the services that bridge to them
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#third-party-networks)).

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use ruma::{
    RoomAliasId, UserId,
    thirdparty::{Location, Protocol, User},
};
use serde::de::DeserializeOwned;

use crate::{AppServiceError, AppServices, Network, services::Service};

impl AppServices {
    /// All the third-party networks that services bridge to.
    pub async fn protocols(&self) -> BTreeMap<String, Protocol> {
        let mut names: Vec<&String> =
            self.bridges().flat_map(|bridge| protocols_of(bridge)).collect();
        names.sort_unstable();
        names.dedup();
        let found = join_all(names.iter().map(|name| self.merged_protocol(name))).await;
        let present = names.into_iter().zip(found);
        present.filter_map(|(name, found)| Some((name.clone(), found?))).collect()
    }

    /// A third-party network.
    ///
    /// # Errors
    /// [`AppServiceError::UnknownProtocol`].
    pub async fn protocol(&self, name: &str) -> Result<Protocol, AppServiceError> {
        self.merged_protocol(name).await.ok_or(AppServiceError::UnknownProtocol)
    }

    /// The rooms that lead to a place of a third-party network.
    ///
    /// # Errors
    /// [`AppServiceError::UnknownProtocol`].
    pub async fn locations(
        &self,
        protocol: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<Vec<Location>, AppServiceError> {
        self.of_protocol("location", protocol, fields).await
    }

    /// The users that stand for somebody of a third-party network.
    ///
    /// # Errors
    /// [`AppServiceError::UnknownProtocol`].
    pub async fn users(
        &self,
        protocol: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<Vec<User>, AppServiceError> {
        self.of_protocol("user", protocol, fields).await
    }

    /// The places of third-party networks that an alias leads to.
    pub async fn locations_of_alias(&self, alias: &RoomAliasId) -> Vec<Location> {
        let bridges: Vec<_> = self.bridges().collect();
        self.ask_all(&bridges, &["thirdparty", "location"], &[("alias", alias.as_str())]).await
    }

    /// The people of third-party networks whom a user stands for.
    pub async fn users_of_user(&self, user_id: &UserId) -> Vec<User> {
        let bridges: Vec<_> = self.bridges().collect();
        self.ask_all(&bridges, &["thirdparty", "user"], &[("userid", user_id.as_str())]).await
    }

    async fn of_protocol<T: DeserializeOwned>(
        &self,
        kind: &str,
        protocol: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<Vec<T>, AppServiceError> {
        let bridges = self.bridges_to(protocol);
        if bridges.is_empty() {
            return Err(AppServiceError::UnknownProtocol);
        }
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(self.ask_all(&bridges, &["thirdparty", kind, protocol], &fields).await)
    }

    /// What all of these services answer, one after the other; those that don't answer are left out.
    async fn ask_all<T: DeserializeOwned>(
        &self,
        bridges: &[&Arc<Service>],
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Vec<T> {
        let transport = &self.inner.transport;
        let asked = bridges.iter().map(|bridge| async move {
            let answer = transport.get::<Vec<T>>(&bridge.registration, path, query).await;
            answer.unwrap_or_else(|error| {
                warn(bridge, &error);
                Vec::new()
            })
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn merged_protocol(&self, name: &str) -> Option<Protocol> {
        let transport = &self.inner.transport;
        let path = ["thirdparty", "protocol", name];
        let bridges = self.bridges_to(name);
        let asked = bridges.iter().map(|bridge| transport.get(&bridge.registration, &path, &[]));
        let mut merged: Option<Protocol> = None;
        for (bridge, answer) in bridges.iter().zip(join_all(asked).await) {
            let mut protocol: Protocol = match answer {
                Ok(protocol) => protocol,
                Err(error) => {
                    warn(bridge, &error);
                    continue;
                }
            };
            for instance in &mut protocol.instances {
                let network = Network {
                    service_id: bridge.registration.id.clone(),
                    network_id: instance.network_id.clone(),
                };
                instance.instance_id = Some(network.to_string());
            }
            match &mut merged {
                Some(merged) => merged.instances.append(&mut protocol.instances),
                None => merged = Some(protocol),
            }
        }
        merged
    }

    fn bridges(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.inner.services.iter().filter(|service| {
            service.registration.url.is_some() && !service.registration.protocols.is_empty()
        })
    }

    fn bridges_to(&self, protocol: &str) -> Vec<&Arc<Service>> {
        let speaks =
            |bridge: &&Arc<Service>| protocols_of(bridge).iter().any(|name| name == protocol);
        self.bridges().filter(speaks).collect()
    }
}

fn protocols_of(bridge: &Service) -> &[String] {
    &bridge.registration.protocols
}

fn warn(bridge: &Service, error: &AppServiceError) {
    let id = &bridge.registration.id;
    tracing::warn!(service = id, %error, "an application service did not answer about its network");
}
