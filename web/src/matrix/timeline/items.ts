/** From the SDK's events to a timeline's items. */
import { EventStatus, type MatrixEvent, type Room } from "matrix-js-sdk";
import { Failure, toFailure } from "../errors";
import type { SessionContext } from "../session/context";
import type { ItemBody, Person, SendState, TimelineItem } from "../types";
import { isEdit, membershipChange, messageBody } from "./body";
import type { OutboxEntry } from "./outbox";

/** Most readers named under one message. */
const MAX_READERS = 50;
const SENT: SendState = { status: "sent" };
const NOBODY: readonly Person[] = [];

/** The newest trusted edit of each message, by the edited event's id. */
export type Edits = ReadonlyMap<string, MatrixEvent>;

/** Makes items, keeping those that did not change. */
export class ItemFactory {
  readonly #context: SessionContext;
  readonly #room: Room;
  readonly #items = new Map<string, TimelineItem>();

  constructor(context: SessionContext, room: Room) {
    this.#context = context;
    this.#room = room;
  }

  /** The item of an event, or null if the event is none of its own. */
  item(event: MatrixEvent, edits: Edits, readBy: readonly Person[]): TimelineItem | null {
    const body = this.#body(event, edits);
    const senderId = event.getSender();
    if (body === null || senderId === undefined) return null;
    const mine = senderId === this.#context.userId;
    const eventId = event.getId();
    const isEcho = event.status !== null && event.status !== EventStatus.SENT;
    const reading = this.#context.guard.reader.read(event);
    const readable = reading.state === "readable" ? reading : null;
    const next: TimelineItem = {
      key: itemKey(event, mine),
      eventId: isEcho ? null : (eventId ?? null),
      sender: this.#context.persons.inRoom(this.#room, senderId),
      mine,
      ts: event.getTs(),
      body,
      unproven: readable?.unproven ?? false,
      send: mine ? sendState(event) : SENT,
      readBy: readBy.some((reader) => reader.userId === senderId)
        ? readBy.filter((reader) => reader.userId !== senderId)
        : readBy,
      replyTo: replyTarget(event),
      threadRoot: threadRoot(event),
      edited: eventId !== undefined && edits.has(eventId) && body.kind === "text",
      canRedact:
        !isEcho &&
        body.kind !== "redacted" &&
        !event.isState() &&
        this.#room.currentState.maySendRedactionForEvent(event, this.#context.userId),
    };
    return this.#keep(next);
  }

  /** The item of something still in the outbox. */
  outgoing(entry: OutboxEntry): TimelineItem {
    return this.#keep({
      key: `txn:${entry.txnId}`,
      eventId: null,
      sender: this.#context.persons.inRoom(this.#room, this.#context.userId),
      mine: true,
      ts: entry.ts,
      body: entry.body,
      unproven: false,
      send: entry.send,
      readBy: NOBODY,
      replyTo: entry.replyTo,
      threadRoot: null,
      edited: false,
      canRedact: false,
    });
  }

  /** People who have read down to here, latest first. */
  readers(event: MatrixEvent): readonly Person[] {
    const sender = event.getSender();
    const receipts = this.#room
      .getReceiptsForEvent(event)
      .filter((receipt) => receipt.type === "m.read" && receipt.userId !== this.#context.userId && receipt.userId !== sender);
    if (receipts.length === 0) return NOBODY;
    return receipts
      .sort((a, b) => b.data.ts - a.data.ts)
      .slice(0, MAX_READERS)
      .map((receipt) => this.#context.persons.inRoom(this.#room, receipt.userId));
  }

  #body(event: MatrixEvent, edits: Edits): ItemBody | null {
    if (event.isState()) return this.#stateBody(event);
    if (event.isRedaction() || isEdit(event) || event.getType() === "m.reaction") return null;
    if (event.isRedacted()) {
      const isMessage = ["m.room.message", "m.room.encrypted", "m.sticker"].includes(event.getWireType());
      if (!isMessage) return null;
      const by = event.getUnsigned().redacted_because?.sender;
      return { kind: "redacted", by: by === undefined ? null : this.#context.persons.inRoom(this.#room, by) };
    }
    const reading = this.#context.guard.reader.read(event);
    switch (reading.state) {
      case "pending":
        return { kind: "unreadable", reason: "waiting" };
      case "unreadable":
        return { kind: "unreadable", reason: reading.reason };
      case "untrusted":
        return { kind: "untrusted", reason: reading.reason };
      case "readable":
        break;
    }
    if (reading.type === "m.room.message") return this.#messageBody(event, reading.content, edits);
    if (reading.type === "m.sticker" || reading.type.includes("poll.start")) return { kind: "unsupported", type: reading.type };
    return null;
  }

  #messageBody(event: MatrixEvent, content: Readonly<Record<string, unknown>>, edits: Edits): ItemBody | null {
    const original = messageBody(content);
    const edit = edits.get(event.getId() ?? "");
    if (edit === undefined || original?.kind !== "text") return original;
    const reading = this.#context.guard.reader.read(edit);
    if (reading.state !== "readable") return original;
    const replacement = reading.content["m.new_content"];
    if (typeof replacement !== "object" || replacement === null) return original;
    const edited = messageBody(replacement as Record<string, unknown>);
    return edited?.kind === "text" ? edited : original;
  }

  #stateBody(event: MatrixEvent): ItemBody | null {
    const content = event.getContent();
    switch (event.getType()) {
      case "m.room.create":
        return { kind: "created" };
      case "m.room.encryption":
        // Every conversation is encrypted from the start: worth a line only if it came later.
        return null;
      case "m.room.name":
        return typeof content["name"] === "string" && content["name"] !== "" ? { kind: "renamed", name: content["name"] } : null;
      case "m.room.topic":
        return typeof content["topic"] === "string" && content["topic"] !== ""
          ? { kind: "topic", topic: content["topic"] }
          : null;
      case "m.room.avatar":
        return { kind: "avatar" };
      case "m.room.member": {
        const change = membershipChange(event);
        const target = event.getStateKey();
        if (change === null || target === undefined) return null;
        const reason = content["reason"];
        return {
          kind: "membership",
          change,
          target: this.#context.persons.inRoom(this.#room, target),
          reason: typeof reason === "string" && reason !== "" ? reason.slice(0, 500) : null,
        };
      }
      default:
        return null;
    }
  }

  #keep(next: TimelineItem): TimelineItem {
    const before = this.#items.get(next.key);
    if (before !== undefined && sameItem(before, next)) return before;
    this.#items.set(next.key, next);
    return next;
  }
}

/** The same before and after the server's answer. */
export function itemKey(event: MatrixEvent, mine: boolean): string {
  const txnId = mine ? event.getTxnId() : undefined;
  return txnId === undefined ? (event.getId() ?? "") : `txn:${txnId}`;
}

function sendState(event: MatrixEvent): SendState {
  switch (event.status) {
    case null:
    case EventStatus.SENT:
      return SENT;
    case EventStatus.NOT_SENT:
    case EventStatus.CANCELLED:
      return { status: "failed", failure: (event.error ? toFailure(event.error) : new Failure("unknown")).info };
    default:
      return { status: "sending" };
  }
}

function relation(event: MatrixEvent): Readonly<Record<string, unknown>> {
  const relates = event.getWireContent()["m.relates_to"] ?? event.getContent()["m.relates_to"];
  return typeof relates === "object" && relates !== null ? (relates as Record<string, unknown>) : {};
}

function replyTarget(event: MatrixEvent): string | null {
  const relates = relation(event);
  if (relates["is_falling_back"] === true) return null;
  const reply = relates["m.in_reply_to"] as { event_id?: unknown } | null | undefined;
  return typeof reply?.event_id === "string" ? reply.event_id : null;
}

function threadRoot(event: MatrixEvent): string | null {
  const relates = relation(event);
  return relates["rel_type"] === "m.thread" && typeof relates["event_id"] === "string" ? relates["event_id"] : null;
}

function sameItem(a: TimelineItem, b: TimelineItem): boolean {
  return (
    a.eventId === b.eventId &&
    a.sender === b.sender &&
    a.ts === b.ts &&
    a.unproven === b.unproven &&
    a.edited === b.edited &&
    a.canRedact === b.canRedact &&
    a.replyTo === b.replyTo &&
    a.threadRoot === b.threadRoot &&
    sameReaders(a.readBy, b.readBy) &&
    JSON.stringify(a.send) === JSON.stringify(b.send) &&
    JSON.stringify(a.body) === JSON.stringify(b.body)
  );
}

function sameReaders(a: readonly Person[], b: readonly Person[]): boolean {
  return a.length === b.length && a.every((person, index) => person === b[index]);
}
