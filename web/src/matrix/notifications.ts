/** New messages to tell the person of, as the push rules say, after decryption. */
import { type MatrixEvent, type Room, RoomEvent } from "matrix-js-sdk";
import type { NotificationSource } from "./api";
import type { Observable } from "./observable";
import type { DirectRooms } from "./rooms/direct";
import type { SessionContext } from "./session/context";
import { messageBody } from "./timeline/body";
import type { ConnectionState, MessageNotification } from "./types";

/** Older messages, e.g. after a night's sleep, are counted in the list but not told one by one. */
const MAX_AGE_MS = 10 * 60_000;
const MAX_TEXT = 300;

/** See {@link NotificationSource}. */
export class Notifications implements NotificationSource {
  readonly #context: SessionContext;
  readonly #direct: DirectRooms;
  readonly #listeners = new Set<(notification: MessageNotification) => void>();
  /** Ids told, so that a repeated event is told once. */
  readonly #told = new Set<string>();

  constructor(context: SessionContext, direct: DirectRooms, connection: Observable<ConnectionState>) {
    this.#context = context;
    this.#direct = direct;
    const { client } = context;
    const onTimeline = (
      event: MatrixEvent,
      room: Room | undefined,
      toStart?: boolean,
      removed?: boolean,
      data?: { liveEvent?: boolean },
    ) => {
      if (room === undefined || toStart === true || removed === true || data?.liveEvent !== true) return;
      if (this.#listeners.size === 0 || !connection.getSnapshot().caughtUp) return;
      void this.#consider(event, room);
    };
    const onMembership = (room: Room, membership: string) => {
      if (membership === "invite" && connection.getSnapshot().caughtUp) this.#invite(room);
    };
    client.on(RoomEvent.Timeline, onTimeline);
    client.on(RoomEvent.MyMembership, onMembership);
    context.onClose(() => {
      client.off(RoomEvent.Timeline, onTimeline);
      client.off(RoomEvent.MyMembership, onMembership);
      this.#listeners.clear();
    });
  }

  subscribe(listener: (notification: MessageNotification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #consider(event: MatrixEvent, room: Room): Promise<void> {
    const { client, guard, persons, userId } = this.#context;
    const eventId = event.getId();
    const senderId = event.getSender();
    if (eventId === undefined || senderId === undefined || senderId === userId || event.isState()) return;
    if (Date.now() - event.getTs() > MAX_AGE_MS || this.#told.has(eventId)) return;
    const reading = await guard.reader.settle(event);
    // Nothing is told that could not be shown as its sender's.
    if (reading.state !== "readable" || reading.type !== "m.room.message" || event.isRedacted()) return;
    const relates = event.getWireContent()["m.relates_to"] as { rel_type?: unknown } | undefined;
    const body = messageBody(reading.content);
    if (body === null || relates?.rel_type === "m.replace") return;
    const actions = client.getPushActionsForEvent(event, true);
    if (actions?.notify !== true || room.hasUserReadEvent(userId, eventId)) return;
    this.#tell({
      roomId: room.roomId,
      roomName: room.name,
      eventId,
      sender: persons.inRoom(room, senderId),
      direct: this.#direct.partner(room) !== null,
      highlight: actions.tweaks.highlight === true,
      sound: actions.tweaks.sound !== undefined,
      text: body.kind === "text" ? body.text.slice(0, MAX_TEXT) : body.caption,
      kind: body.kind,
      ts: event.getTs(),
    });
  }

  #invite(room: Room): void {
    const { persons, userId } = this.#context;
    const event = room.getMember(userId)?.events.member;
    const senderId = event?.getSender();
    if (senderId === undefined) return;
    this.#tell({
      roomId: room.roomId,
      roomName: room.name,
      eventId: event?.getId() ?? `invite:${room.roomId}`,
      sender: persons.inRoom(room, senderId),
      direct: this.#direct.partner(room) !== null,
      highlight: false,
      sound: true,
      text: null,
      kind: "invite",
      ts: Date.now(),
    });
  }

  #tell(notification: MessageNotification): void {
    if (this.#told.has(notification.eventId)) return;
    this.#told.add(notification.eventId);
    if (this.#told.size > 1000) this.#told.delete(this.#told.values().next().value ?? "");
    for (const listener of [...this.#listeners]) listener(notification);
  }
}
