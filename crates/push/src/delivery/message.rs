//! What a push gateway is told
//! ([specification](https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify)).

use bytes::Bytes;
use pli_rooms::RoomEvent;
use pli_store::Snapshot;
use ruma::{
    SecondsSinceUnixEpoch, UInt,
    api::push_gateway::send_event_notification::v1::{
        Device, Notification, NotificationPriority, PusherData,
    },
    events::TimelineEventType,
    push::{HighlightTweakValue, HttpPusherData, PushFormat, Tweak},
};
use serde_json::{Value, json, value::RawValue};

use super::{
    Shared,
    pending::{PendingPush, PusherKey},
};
use crate::{PushError, pushers::PusherRow, unread::display_name};

/// A pusher whose data say so is not told how much is unread (MSC4076).
const DISABLE_BADGE_COUNT: &str = "org.matrix.msc4076.disable_badge_count";

/// The body of the request for a note; `None` if there is nothing to tell any more.
pub(crate) async fn body(
    shared: &Shared,
    snapshot: &Snapshot,
    (user_id, app_id, pushkey): &PusherKey,
    row: &PusherRow,
    http: HttpPusherData,
    push: &PendingPush,
) -> Result<Option<Bytes>, PushError> {
    let mut device = Device::new(app_id.clone(), pushkey.clone());
    device.pushkey_ts = Some(SecondsSinceUnixEpoch(UInt::new_saturating(row.set_ms / 1_000)));
    let is_short = http.format == Some(PushFormat::EventIdOnly);
    let counts = counts_unread_in(&http);
    device.data = PusherData::from(http);

    let mut notification = Notification::default();
    if let Some(event_id) = &push.event_id {
        let event = shared.rooms.event(snapshot, event_id).await?;
        let is_gone = |event: &RoomEvent| event.is_hidden() || event.redacted_by.is_some();
        let Some(event) = event.filter(|event| !is_gone(event)) else { return Ok(None) };
        // Who has read it elsewhere needn't be told.
        if shared.unread.has_read(snapshot, user_id, &event).await? {
            return Ok(None);
        }
        let tweaks = push.tweaks();
        notification.event_id = Some(event_id.clone());
        notification.room_id = Some(push.room_id.clone());
        notification.prio = priority(&event, &tweaks);
        if !is_short {
            device.tweaks = tweaks;
            describe(shared, snapshot, &mut notification, &event).await?;
            notification.user_is_target = event.is_member_event_of(user_id);
        }
    }
    notification.devices = vec![device];

    let mut whole = json!({ "notification": notification });
    if counts {
        let badge = shared.badges.after_news(snapshot, user_id, &push.room_id);
        let (unread, _) = Box::pin(badge).await?;
        // Written also when it is 0: a number on an icon goes away by that only.
        whole["notification"]["counts"] = json!({ "unread": UInt::new_saturating(unread) });
    } else if push.event_id.is_none() {
        return Ok(None);
    }
    Ok(Some(Bytes::from(whole.to_string())))
}

/// Adds what the event says, for pushers that want more than its id.
async fn describe(
    shared: &Shared,
    snapshot: &Snapshot,
    notification: &mut Notification,
    event: &RoomEvent,
) -> Result<(), PushError> {
    let pdu = &event.pdu;
    let rooms = &shared.rooms;
    notification.event_type = Some(pdu.event_type().clone());
    notification.sender = Some(pdu.sender().to_owned());
    notification.content = Some(RawValue::to_owned(pdu.content()));
    let member = rooms.member_event(snapshot, event.state_before, pdu.sender()).await?;
    notification.sender_display_name = member.and_then(|member| display_name(&member));
    if let Some((summary, _)) = rooms.summary(snapshot, pdu.room_id()).await? {
        notification.room_name = summary.name;
        notification.room_alias = summary.canonical_alias;
    }
    Ok(())
}

/// What somebody should see at once is of high priority: what makes a sound or highlights, and what
/// can't be judged because it is encrypted. All else can wait until the device wakes.
fn priority(event: &RoomEvent, tweaks: &[Tweak]) -> NotificationPriority {
    let is_urgent = |tweak: &Tweak| {
        matches!(tweak, Tweak::Sound(_) | Tweak::Highlight(HighlightTweakValue::Yes))
    };
    if *event.pdu.event_type() == TimelineEventType::RoomEncrypted || tweaks.iter().any(is_urgent) {
        NotificationPriority::High
    } else {
        NotificationPriority::Low
    }
}

/// Whether a pusher is told how much is unread.
pub(crate) fn counts_unread(row: &PusherRow) -> Result<bool, PushError> {
    Ok(row.http()?.is_some_and(|http| counts_unread_in(&http)))
}

fn counts_unread_in(http: &HttpPusherData) -> bool {
    http.data.get(DISABLE_BADGE_COUNT) != Some(&Value::Bool(true))
}
