//! The tables that the room log owns.

use pli_store::{Counter, Keyspace, KeyspaceInfo, Stamp};
use ruma::{OwnedDeviceId, OwnedEventId, OwnedRoomAliasId, OwnedRoomId, OwnedUserId};

use crate::{
    news::ROOM_NEWS,
    operations::{
        DELAYED_EVENT, DELAYED_EVENT_DUE, DELAYED_EVENT_OF_USER, DELAYED_EVENT_TRANSACTION,
        GUEST_EVICTION, THREAD_SUBSCRIPTION, THREAD_SUBSCRIPTION_CHANGE,
    },
    rows::{
        AliasRow, EventPlace, MemberRow, MembershipKind, ProfileJob, ReceiptKind, ReceiptRow,
        RedactionRow, RelationRow, ReplacementRow, RoomHead, RoomSummary, StickyRow, StoredEvent,
        StreamedReceipt, ThreadOrderRow, ThreadRow, TransactionRow, UserRoomRow,
    },
    search::{SEARCH_CURSOR, SEARCH_WORD},
    state::STATE_NODE,
};

/// A room's events in the order in which this server took them in; backfilled ones come first.
pub const TIMELINE: Keyspace<(OwnedRoomId, Stamp), StoredEvent> = Keyspace::new("timeline");
/// Where each event is.
pub const EVENT_INDEX: Keyspace<OwnedEventId, EventPlace> = Keyspace::new("event_index");
/// Events that are not on the timeline but that others refer to.
pub const OUTLIER: Keyspace<OwnedEventId, StoredEvent> = Keyspace::new("outlier");
/// Redacted events (known or not yet) and the event that redacted each.
pub const REDACTION: Keyspace<OwnedEventId, RedactionRow> = Keyspace::new("redaction");
/// Where each room stands: the lock of everything that appends to it.
pub const ROOM_HEAD: Keyspace<OwnedRoomId, RoomHead> = Keyspace::new("room_head");
/// What lists of rooms show of each room.
pub const ROOM_SUMMARY: Keyspace<OwnedRoomId, RoomSummary> = Keyspace::new("room_summary");
/// A room's members by membership.
pub const MEMBER: Keyspace<(OwnedRoomId, MembershipKind, OwnedUserId), MemberRow> =
    Keyspace::new("member");
/// A user's rooms.
pub const USER_ROOM: Keyspace<(OwnedUserId, OwnedRoomId), UserRoomRow> = Keyspace::new("user_room");
/// What each client transaction made: user, device, scope (endpoint and room), transaction id.
pub const TRANSACTION: Keyspace<(OwnedUserId, OwnedDeviceId, String, String), TransactionRow> =
    Keyspace::new("transaction_id");
/// How far each user has read: room, kind, thread, user.
pub const RECEIPT: Keyspace<(OwnedRoomId, ReceiptKind, String, OwnedUserId), ReceiptRow> =
    Keyspace::new("receipt");
/// A room's receipts in the order of their last change.
pub const RECEIPT_STREAM: Keyspace<(OwnedRoomId, Stamp), StreamedReceipt> =
    Keyspace::new("receipt_stream");
/// The room that each alias of this server points to.
pub const ALIAS: Keyspace<OwnedRoomAliasId, AliasRow> = Keyspace::new("alias");
/// The aliases of this server that point to each room.
pub const ROOM_ALIAS: Keyspace<(OwnedRoomId, OwnedRoomAliasId), ()> = Keyspace::new("room_alias");
/// Rooms that the public directory lists.
pub const PUBLIC_ROOM: Keyspace<OwnedRoomId, ()> = Keyspace::new("public_room");
/// Changes of profiles that are still to be written into the rooms of their users.
pub const PROFILE_JOB: Keyspace<OwnedUserId, ProfileJob> = Keyspace::new("profile_job");

/// What refers to each event, in the order of the timeline: room, event that is referred to.
pub const RELATION: Keyspace<(OwnedRoomId, OwnedEventId, Stamp), RelationRow> =
    Keyspace::new("relation");
/// Who annotated each event how (a hash of sender, type and key): the annotation.
pub const ANNOTATION: Keyspace<(OwnedRoomId, OwnedEventId, [u8; 32]), String> =
    Keyspace::new("annotation");
/// The edit that stands for each edited event.
pub const REPLACEMENT: Keyspace<(OwnedRoomId, OwnedEventId), ReplacementRow> =
    Keyspace::new("replacement");
/// A room's threads by the event that they grew from.
pub const THREAD: Keyspace<(OwnedRoomId, OwnedEventId), ThreadRow> = Keyspace::new("thread");
/// A room's threads in the order of their latest replies.
pub const THREAD_ORDER: Keyspace<(OwnedRoomId, Stamp), ThreadOrderRow> =
    Keyspace::new("thread_order");
/// How many replies each user has in each thread.
pub const THREAD_PARTICIPANT: Keyspace<(OwnedRoomId, OwnedEventId, OwnedUserId), Counter> =
    Keyspace::new("thread_participant");
/// A room's events by the time at which they say they were sent, in milliseconds: the event's id.
pub const EVENT_TIME: Keyspace<(OwnedRoomId, u64, Stamp), String> = Keyspace::new("event_time");

/// A room's events that stick, in the order of the timeline (MSC4354). Those whose time is over are
/// removed when others are added.
pub const STICKY_EVENT: Keyspace<(OwnedRoomId, Stamp), StickyRow> = Keyspace::new("sticky_event");

/// Everything above, for `pli store inspect` and `pli store check`.
pub const KEYSPACES: &[KeyspaceInfo] = &[
    STATE_NODE.info(),
    TIMELINE.info(),
    EVENT_INDEX.info(),
    OUTLIER.info(),
    REDACTION.info(),
    ROOM_HEAD.info(),
    ROOM_SUMMARY.info(),
    MEMBER.info(),
    USER_ROOM.info(),
    TRANSACTION.info(),
    RECEIPT.info(),
    RECEIPT_STREAM.info(),
    ALIAS.info(),
    ROOM_ALIAS.info(),
    PUBLIC_ROOM.info(),
    PROFILE_JOB.info(),
    RELATION.info(),
    ANNOTATION.info(),
    REPLACEMENT.info(),
    THREAD.info(),
    THREAD_ORDER.info(),
    THREAD_PARTICIPANT.info(),
    EVENT_TIME.info(),
    STICKY_EVENT.info(),
    SEARCH_WORD.info(),
    SEARCH_CURSOR.info(),
    DELAYED_EVENT.info(),
    GUEST_EVICTION.info(),
    DELAYED_EVENT_OF_USER.info(),
    DELAYED_EVENT_DUE.info(),
    DELAYED_EVENT_TRANSACTION.info(),
    THREAD_SUBSCRIPTION.info(),
    THREAD_SUBSCRIPTION_CHANGE.info(),
    ROOM_NEWS.info(),
];
