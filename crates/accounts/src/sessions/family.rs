//! What becomes of the tokens of a session.

use pli_store::{Batch, Expect, Position, Touch};

use super::{
    RevokedTokens,
    rows::{
        ACCESS_TOKENS, AccessTokenRecord, REFRESH_TOKENS, RefreshTokenRecord, SESSIONS,
        SessionRecord, TokenPair,
    },
};
use crate::Requester;

/// How many exchanged refresh tokens of a session are remembered, to recognise a stolen one. Older
/// ones are worth nothing either; using one just doesn't raise the alarm.
const REMEMBERED_REFRESH_TOKENS: usize = 32;

/// The pair not used yet becomes the one in use; the one before it ends.
pub(super) fn stage_promotion(
    batch: &mut Batch,
    owner: &Requester,
    mut session: SessionRecord,
    version: Position,
) -> (SessionRecord, RevokedTokens) {
    let key = (&owner.user_id, &owner.device_id);
    batch.require(&SESSIONS, key, Expect::Version(version));
    let Some(next) = session.next.take() else { return (session, RevokedTokens::default()) };
    let old = std::mem::replace(&mut session.current, next);
    batch.delete(&ACCESS_TOKENS, old.access).touch(Touch::row(&ACCESS_TOKENS, old.access));
    session.consumed.extend(old.refresh);
    let excess = session.consumed.len().saturating_sub(REMEMBERED_REFRESH_TOKENS);
    for forgotten in session.consumed.drain(..excess) {
        batch.delete(&REFRESH_TOKENS, forgotten);
    }
    batch.put(&SESSIONS, key, &session);
    (session, RevokedTokens(vec![old.access]))
}

/// Every token of the session ends, in a way that lets the device sign in again with its keys.
pub(super) fn stage_family_death(
    batch: &mut Batch,
    owner: &Requester,
    mut session: SessionRecord,
    version: Position,
) -> RevokedTokens {
    let key = (&owner.user_id, &owner.device_id);
    batch.require(&SESSIONS, key, Expect::Version(version));
    let mut revoked = RevokedTokens::default();
    for pair in std::iter::once(&session.current).chain(&session.next) {
        let ended = AccessTokenRecord {
            user_id: owner.user_id.clone(),
            device_id: owner.device_id.clone(),
            expires_ms: Some(0),
        };
        batch
            .put(&ACCESS_TOKENS, pair.access, &ended)
            .touch(Touch::row(&ACCESS_TOKENS, pair.access));
        revoked.0.push(pair.access);
        if let Some(refresh) = pair.refresh {
            let ended = RefreshTokenRecord {
                user_id: owner.user_id.clone(),
                device_id: owner.device_id.clone(),
                revoked: true,
            };
            batch.put(&REFRESH_TOKENS, refresh, &ended);
        }
    }
    for forgotten in session.consumed.drain(..) {
        batch.delete(&REFRESH_TOKENS, forgotten);
    }
    batch.put(&SESSIONS, key, &session);
    revoked
}

pub(super) fn stage_session_deletion(batch: &mut Batch, session: &SessionRecord) -> RevokedTokens {
    let mut revoked = stage_pair_deletion(batch, &session.current);
    if let Some(next) = &session.next {
        revoked.extend(stage_pair_deletion(batch, next));
    }
    for consumed in &session.consumed {
        batch.delete(&REFRESH_TOKENS, consumed);
    }
    revoked
}

pub(super) fn stage_pair_deletion(batch: &mut Batch, pair: &TokenPair) -> RevokedTokens {
    batch.delete(&ACCESS_TOKENS, pair.access).touch(Touch::row(&ACCESS_TOKENS, pair.access));
    if let Some(refresh) = pair.refresh {
        batch.delete(&REFRESH_TOKENS, refresh);
    }
    RevokedTokens(vec![pair.access])
}
