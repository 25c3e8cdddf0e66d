//! Policy servers: rooms can have one look at each event before it is sent
//! ([specification](https://spec.matrix.org/v1.19/server-server-api/#policy-servers)).
//!
//! A room names one by the domain of somebody who is in it. As long as nobody of other servers can be
//! in a room, that is this server's own domain, whose policy server the operator names.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pli_events::{Pdu, SigningKey};
use pli_outbound::{Outbound, OutboundConfig, OutboundError, Reach};
use pli_store::ambient::Clock;
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
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{error::RoomError, log::RoomTransaction, rooms::Inner, rows::RoomPolicy};

/// How long it may take to answer: people wait for their message.
const TIME: Duration = Duration::from_secs(10);
/// How much of that an event may wait for others: one that is asked about keeps enough of it for the
/// answer, so that no answer in time means that the server is slow, and not that there was a crowd.
const TIME_IN_QUEUE: Duration = Duration::from_secs(5);
/// The greatest answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How many events are looked at at once: each keeps a room waiting.
const AT_ONCE: usize = 16;
/// For how long it isn't asked again after it didn't answer or failed, in milliseconds: rooms would
/// wait in vain.
const PAUSE_MS: u64 = 5_000;

/// The policy server of this server's domain. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PolicyServer {
    address: String,
    outbound: Outbound,
    permits: Arc<Semaphore>,
    /// Until when it isn't asked, in milliseconds since the epoch.
    paused_until: Arc<AtomicU64>,
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
        Ok(Self {
            address: address.into(),
            outbound,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            paused_until: Arc::default(),
        })
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
        clock: &dyn Clock,
    ) -> Result<String, RoomError> {
        let input = XMatrixSigningInput::new(origin.clone(), via.clone(), key.pair());
        let request = Request::new(pdu.federation_json())
            .try_into_http_request::<Vec<u8>>(&self.address, input, ())
            .map_err(|error| failed(&error))?;
        let answer = self.ask(request, clock).await?;
        let status = answer.status();
        if !status.is_success() {
            let refusal: Refusal = serde_json::from_slice(answer.body()).unwrap_or_default();
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

    /// Sends a request, once it is its turn, and waits for an answer that isn't a failure.
    async fn ask(
        &self,
        request: http::Request<Vec<u8>>,
        clock: &dyn Clock,
    ) -> Result<http::Response<impl Deref<Target = [u8]>>, RoomError> {
        if self.is_paused(clock) {
            return Err(RoomError::PolicyServerFailed);
        }
        let begun = Instant::now();
        // A crowd says nothing of the server: who waits in vain is refused alone.
        let permit = timeout_at(begun + TIME_IN_QUEUE, self.permits.acquire()).await;
        let _permit = permit.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        // Those before may have found out while this one waited.
        if self.is_paused(clock) {
            return Err(RoomError::PolicyServerFailed);
        }
        let sent = timeout_at(begun + TIME, self.outbound.send(request.map(Into::into))).await;
        let answer = sent.unwrap_or(Err(OutboundError::TimedOut)).map_err(|error| {
            if error.is_timeout() || error.is_connect() {
                self.pause(clock);
            }
            failed(&error)
        })?;
        if answer.status().is_server_error() {
            self.pause(clock);
            return Err(failed(&answer.status()));
        }
        Ok(answer)
    }

    fn pause(&self, clock: &dyn Clock) {
        self.paused_until.store(clock.now_ms().saturating_add(PAUSE_MS), Ordering::Relaxed);
    }

    fn is_paused(&self, clock: &dyn Clock) -> bool {
        let left = self.paused_until.load(Ordering::Relaxed).saturating_sub(clock.now_ms());
        // More than that is left only if the clock was set back.
        (1..=PAUSE_MS).contains(&left)
    }
}

fn failed(error: &dyn std::fmt::Display) -> RoomError {
    tracing::warn!(%error, "the policy server could not be asked");
    RoomError::PolicyServerFailed
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
    /// Whether the room's events are looked at by a policy server, each of which takes its time. Only
    /// by this server's own: a server needs somebody in the room to have a say in it.
    pub(crate) fn has_policy_server(&self) -> bool {
        let config = &self.rooms.inner.config;
        let policy = self.summary.policy.as_ref();
        config.policy_server.is_some()
            && policy.is_some_and(|policy| policy.via == config.server_name)
    }

    /// Has the room's policy server sign an event of this server, if it has one.
    pub(crate) async fn ask_policy_server(&mut self, pdu: Pdu) -> Result<Pdu, RoomError> {
        let Inner { config, signing_key, ambient, .. } = &*self.rooms.inner;
        let (Some(policy), Some(server)) = (&self.summary.policy, &config.policy_server) else {
            return Ok(pdu);
        };
        // A room must be able to rid itself of its policy server.
        let is_the_policy = *pdu.event_type() == TimelineEventType::RoomPolicy;
        if !self.has_policy_server() || (is_the_policy && pdu.state_key() == Some("")) {
            return Ok(pdu);
        }
        let Ok(key) = Base64::parse(&policy.ed25519) else { return Ok(pdu) };
        let content = RoomPolicyEventContent::new(policy.via.clone(), key);
        // Others need the store meanwhile.
        self.source.release();
        let signature = server
            .sign(&pdu, &policy.via, &config.server_name, signing_key, &*ambient.clock)
            .await?;
        pdu.with_policy_signature(&content, &signature, self.rules).map_err(|error| {
            tracing::warn!(%error, room_id = %self.room_id, "a policy server signed otherwise");
            RoomError::PolicyServerFailed
        })
    }
}
