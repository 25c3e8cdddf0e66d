/** The last thing said in a room, for its row in the list. */
import type { MatrixEvent, Room } from "matrix-js-sdk";
import { EventStatus } from "matrix-js-sdk";
import type { SessionContext } from "../session/context";
import { isEdit, membershipChange, messageBody } from "../timeline/body";
import type { RoomPreview } from "../types";

/** How far back a preview is looked for. */
const DEPTH = 30;

/**
 * The preview of a room from what is loaded; starts reading what it needs, and gives `before` as
 * long as that has not been read.
 */
export function roomPreview(context: SessionContext, room: Room, before: RoomPreview | null): RoomPreview | null {
  const pending = room.getPendingEvents();
  const events = room.getLiveTimeline().getEvents();
  const oldest = Math.max(0, events.length - DEPTH);
  for (const event of [...pending].reverse()) {
    const preview = previewOf(context, room, event);
    if (preview !== null) return preview === "pending" ? before : preview;
  }
  for (let index = events.length - 1; index >= oldest; index -= 1) {
    const event = events[index];
    const preview = event === undefined ? null : previewOf(context, room, event);
    if (preview !== null) return preview === "pending" ? before : preview;
  }
  return null;
}

function previewOf(context: SessionContext, room: Room, event: MatrixEvent): RoomPreview | "pending" | null {
  const content = contentOf(context, room, event);
  const senderId = event.getSender();
  if (content === null || senderId === undefined) return null;
  if (content === "pending") return "pending";
  const mine = senderId === context.userId;
  return {
    sender: context.persons.inRoom(room, senderId),
    mine,
    ts: event.getTs(),
    content,
    sendStatus: mine ? sendStatus(event) : null,
  };
}

function contentOf(context: SessionContext, room: Room, event: MatrixEvent): RoomPreview["content"] | "pending" | null {
  const type = event.getType();
  if (type === "m.room.create") return { kind: "created" };
  if (type === "m.room.member") {
    const target = event.getStateKey();
    const change = membershipChange(event);
    // Names and pictures that change are nothing to move a conversation for.
    if (change === null || change === "renamed" || change === "avatar-changed" || target === undefined) return null;
    return { kind: "membership", change, target: context.persons.inRoom(room, target) };
  }
  if (event.isState() || event.isRedaction() || isEdit(event) || type === "m.reaction") return null;
  if (event.isRedacted()) return { kind: "redacted" };
  const reading = context.guard.reader.read(event, "later");
  if (reading.state === "pending") return "pending";
  if (reading.state !== "readable") return { kind: "unreadable" };
  if (reading.type !== "m.room.message") return null;
  const body = messageBody(reading.content);
  if (body === null) return null;
  if (body.kind === "text") return { kind: "text", text: body.text.slice(0, 200) };
  return { kind: body.kind, name: body.name };
}

function sendStatus(event: MatrixEvent): RoomPreview["sendStatus"] {
  if (event.status === null || event.status === EventStatus.SENT) return "sent";
  return event.status === EventStatus.NOT_SENT || event.status === EventStatus.CANCELLED ? "failed" : "sending";
}
