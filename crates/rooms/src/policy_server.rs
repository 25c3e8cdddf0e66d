//! Policy servers: rooms can have one look at each event before it is sent
//! ([specification](https://spec.matrix.org/v1.19/server-server-api/#policy-servers)).
//!
//! A room names one by the domain of somebody who is in it. As long as nobody of other servers can be
//! in a room, that is this server's own domain, whose policy server the operator names.

use std::{sync::Arc, time::Duration};

use pli_events::{Pdu, SigningKey};
use pli_outbound::{Outbound, OutboundConfig, OutboundError, Reach};
use ruma::{
    OwnedServerName, SigningKeyAlgorithm,
    api::{
        IncomingResponseExt as _, OutgoingRequestExt as _,
        federation::{
            authentication::XMatrixSigningInput,
            policy::sign_event::v1::{Request, Response},
        },
    },
    events::{TimelineEventType, room::policy::RoomPolicyEventContent},
    exports::http,
    serde::Base64,
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::{error::RoomError, log::RoomTransaction, rooms::Inner, rows::RoomPolicy};

/// How long it may take to answer: people wait for their message.
const TIME: Duration = Duration::from_secs(10);
/// The greatest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How many events are looked at at once: each keeps a room waiting.
const AT_ONCE: usize = 16;

/// The policy server of this server's domain. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PolicyServer {
    address: String,
    outbound: Outbound,
    permits: Arc<Semaphore>,
}

impl PolicyServer {
    /// The policy server at an address that the operator names.
    ///
    /// # Errors
    /// When there can be no client for it.
    pub fn new(address: impl Into<String>) -> Result<Self, OutboundError> {
        let outbound = Outbound::new(&OutboundConfig {
            connect_timeout: TIME,
            read_timeout: TIME,
            total_timeout: TIME,
            max_answer: MAX_ANSWER,
            ..OutboundConfig::new(Reach::Anywhere)
        })?;
        Ok(Self { address: address.into(), outbound, permits: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Its signature of an event, which says that it may be sent.
    ///
    /// # Errors
    /// [`RoomError::PolicyRefused`] if it doesn't sign; [`RoomError::PolicyServerFailed`] if it can't
    /// be asked.
    pub(crate) async fn sign(
        &self,
        pdu: &Pdu,
        via: &OwnedServerName,
        origin: &OwnedServerName,
        key: &SigningKey,
    ) -> Result<String, RoomError> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::warn!(%error, "the policy server could not be asked");
            RoomError::PolicyServerFailed
        };
        let input = XMatrixSigningInput::new(origin.clone(), via.clone(), key.pair());
        let request = Request::new(pdu.federation_json())
            .try_into_http_request::<Vec<u8>>(&self.address, input, ())
            .map_err(|error| failed(&error))?;
        let _permit = self.permits.acquire().await.map_err(|error| failed(&error))?;
        let answer = self.outbound.send(request.map(Into::into)).await;
        let answer = answer.map_err(|error| failed(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let refusal: Refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
            if status.is_server_error() {
                return Err(failed(&status));
            }
            return Err(RoomError::PolicyRefused {
                status: status.as_u16(),
                errcode: refusal.errcode.unwrap_or_else(|| "M_FORBIDDEN".to_owned()),
                reason: refusal.error.unwrap_or_else(|| {
                    "this room's policy server doesn't let this through".to_owned()
                }),
            });
        }
        let (parts, body) = answer.into_parts();
        let answer = http::Response::from_parts(parts, &body[..]);
        let answer = Response::try_from_http_response(answer).map_err(|error| failed(&error))?;
        let signature = answer.ed25519_signature(via).map(ToOwned::to_owned);
        signature.ok_or_else(|| failed(&"its answer has no signature"))
    }
}

#[derive(Default, Deserialize)]
struct Refusal {
    errcode: Option<String>,
    error: Option<String>,
}

/// The policy server that an `m.room.policy` event names; `None` if it names none as it should.
pub(crate) fn policy_in(pdu: &Pdu) -> Option<RoomPolicy> {
    let content: RoomPolicyEventContent = pdu.content_as().ok()?;
    let ed25519 = content.public_keys.get(&SigningKeyAlgorithm::Ed25519)?;
    Some(RoomPolicy { ed25519: ed25519.encode(), via: content.via })
}

impl RoomTransaction<'_> {
    /// Has the room's policy server sign an event of this server, if it has one.
    pub(crate) async fn ask_policy_server(&self, pdu: Pdu) -> Result<Pdu, RoomError> {
        let Inner { config, signing_key, .. } = &*self.rooms.inner;
        let (Some(policy), Some(server)) = (&self.summary.policy, &config.policy_server) else {
            return Ok(pdu);
        };
        // A room must be able to rid itself of its policy server. And nobody of another server can
        // be in the room, which that server would need to have a say in it.
        let is_the_policy = *pdu.event_type() == TimelineEventType::RoomPolicy;
        if policy.via != config.server_name || (is_the_policy && pdu.state_key() == Some("")) {
            return Ok(pdu);
        }
        let Ok(key) = Base64::parse(&policy.ed25519) else { return Ok(pdu) };
        let content = RoomPolicyEventContent::new(policy.via.clone(), key);
        let signature = server.sign(&pdu, &policy.via, &config.server_name, signing_key).await?;
        pdu.with_policy_signature(&content, &signature, self.rules).map_err(|error| {
            tracing::warn!(%error, room_id = %self.room_id, "a policy server signed otherwise");
            RoomError::PolicyServerFailed
        })
    }
}
