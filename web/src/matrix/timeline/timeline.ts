/** A room's timeline: loading, sending, reading. */
import {
  ClientEvent,
  Direction,
  EventStatus,
  type EventTimeline,
  type MatrixEvent,
  type Room,
  RoomEvent,
  type RoomMember,
  RoomMemberEvent,
  RoomStateEvent,
} from "matrix-js-sdk";
import type { OutgoingFile, Timeline } from "../api";
import { Failure, toFailure } from "../errors";
import type { Media } from "../media/media";
import type { Pictures } from "../media/pictures";
import { type Observable, Value } from "../observable";
import type { SessionContext } from "../session/context";
import type { PaginationState, Person, RoomId, TimelineItem, TimelineState } from "../types";
import { isEdit } from "./body";
import { ItemFactory, itemKey } from "./items";
import { RoomOutbox } from "./outbox";

const GATHER_MS = 16;
const PAGE = 40;
/** A page may hold nothing to show (reactions, edits): more is loaded until this many items came. */
const WANTED_ITEMS = 15;
const MAX_PAGES = 5;
/** How often typing is said again, how long it lasts at the others, and when silence ends it. */
const TYPING_AGAIN_MS = 15_000;
const TYPING_LASTS_MS = 25_000;
const TYPING_SILENCE_MS = 8_000;

/** See {@link Timeline}. */
export class RoomTimeline implements Timeline {
  readonly state: Observable<TimelineState>;
  readonly #context: SessionContext;
  readonly #roomId: RoomId;
  readonly #value: Value<TimelineState>;
  readonly #outbox: RoomOutbox;
  #factory: { readonly room: Room; readonly items: ItemFactory } | null = null;
  #backwards: PaginationState = { status: "idle" };
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stop: (() => void) | null = null;
  #lastRead: string | null = null;
  #typingSent = 0;
  #typingSilence: ReturnType<typeof setTimeout> | null = null;

  constructor(context: SessionContext, media: Media, pictures: Pictures, roomId: RoomId) {
    this.#context = context;
    this.#roomId = roomId;
    this.#value = new Value<TimelineState>({ roomId, items: [], backwards: this.#backwards, fullyRead: null });
    this.#outbox = new RoomOutbox(context, media, pictures, roomId, () => this.#touch());
    this.#value.set(this.#compute());
    this.state = {
      getSnapshot: this.#value.getSnapshot,
      subscribe: (listener) => {
        const unsubscribe = this.#value.subscribe(listener);
        this.#stop ??= this.#start();
        return () => {
          unsubscribe();
          if (this.#value.listenerCount > 0) return;
          this.#stop?.();
          this.#stop = null;
        };
      },
    };
    context.onClose(() => {
      this.#stop?.();
      if (this.#typingSilence !== null) clearTimeout(this.#typingSilence);
    });
  }

  /** Items still on their way to the SDK. */
  get outgoing(): number {
    return this.#outbox.entries().length;
  }

  // ------------------------------------------------------------ watching

  #start(): () => void {
    const { client, guard } = this.#context;
    const touch = () => this.#touch();
    const onEvent = (event: MatrixEvent) => {
      if (event.getRoomId() === this.#roomId) this.#touch();
    };
    const onEventInRoom = (_event: MatrixEvent, room: Room | undefined) => {
      if (room?.roomId === this.#roomId) this.#touch();
    };
    const onReset = (room: Room | undefined) => {
      if (room?.roomId !== this.#roomId) return;
      this.#backwards = { status: "idle" };
      this.#touch();
    };
    const onMember = (_event: MatrixEvent, member: RoomMember) => {
      if (member.roomId === this.#roomId) this.#touch();
    };
    const onRoom = (room: Room) => {
      if (room.roomId === this.#roomId) this.#touch();
    };
    client.on(ClientEvent.Room, onRoom);
    client.on(RoomEvent.Timeline, onEventInRoom);
    client.on(RoomEvent.TimelineReset, onReset);
    client.on(RoomEvent.LocalEchoUpdated, onEventInRoom);
    client.on(RoomEvent.Redaction, onEventInRoom);
    client.on(RoomEvent.Receipt, onEventInRoom);
    client.on(RoomEvent.AccountData, onEventInRoom);
    client.on(RoomMemberEvent.Name, onMember);
    client.on(RoomStateEvent.Events, onEvent);
    const stopReader = guard.reader.subscribe(onEvent);
    touch();
    return () => {
      client.off(ClientEvent.Room, onRoom);
      client.off(RoomEvent.Timeline, onEventInRoom);
      client.off(RoomEvent.TimelineReset, onReset);
      client.off(RoomEvent.LocalEchoUpdated, onEventInRoom);
      client.off(RoomEvent.Redaction, onEventInRoom);
      client.off(RoomEvent.Receipt, onEventInRoom);
      client.off(RoomEvent.AccountData, onEventInRoom);
      client.off(RoomMemberEvent.Name, onMember);
      client.off(RoomStateEvent.Events, onEvent);
      stopReader();
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  #touch(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#publish();
    }, GATHER_MS);
  }

  #publish(): void {
    const before = this.#value.getSnapshot();
    const next = this.#compute();
    const sameItems =
      before.items.length === next.items.length && before.items.every((item, index) => item === next.items[index]);
    if (sameItems && before.backwards === next.backwards && before.fullyRead === next.fullyRead) return;
    this.#value.set(sameItems ? { ...next, items: before.items } : next);
  }

  #compute(): TimelineState {
    const room = this.#room();
    if (room === null) return { roomId: this.#roomId, items: [], backwards: this.#backwards, fullyRead: null };
    if (this.#backwards.status === "idle" && oldest(room).getPaginationToken(Direction.Backward) === null) {
      this.#backwards = { status: "end" };
    }
    const fullyRead: unknown = room.getAccountData("m.fully_read")?.getContent()["event_id"];
    return {
      roomId: this.#roomId,
      items: this.#items(room),
      backwards: this.#backwards,
      fullyRead: typeof fullyRead === "string" ? fullyRead : null,
    };
  }

  #items(room: Room): readonly TimelineItem[] {
    const factory = this.#factoryOf(room);
    const events = loaded(room);
    const pending = room.getPendingEvents();
    const edits = this.#edits(events);
    const items: TimelineItem[] = [];
    // From the end: readers of what is not shown count for what is shown last before it.
    let carried: readonly Person[] = [];
    for (let index = events.length - 1; index >= 0; index -= 1) {
      const event = events[index];
      if (event === undefined) continue;
      const own = factory.readers(event);
      const readers = carried.length === 0 ? own : [...carried, ...own];
      const item = factory.item(event, edits, readers);
      carried = item === null ? readers : [];
      if (item !== null) items.push(item);
    }
    items.reverse();
    const shown = new Set<string>();
    for (const event of pending) {
      if (event.status === EventStatus.CANCELLED) continue;
      const item = factory.item(event, edits, []);
      if (item === null) continue;
      shown.add(item.key);
      items.push(item);
    }
    for (const entry of this.#outbox.entries()) {
      if (!shown.has(`txn:${entry.txnId}`) && !hasTransaction(events, entry.txnId)) items.push(factory.outgoing(entry));
    }
    return items;
  }

  #factoryOf(room: Room): ItemFactory {
    if (this.#factory?.room !== room) this.#factory = { room, items: new ItemFactory(this.#context, room) };
    return this.#factory.items;
  }

  /** The newest edit of each message by the message's own sender. */
  #edits(events: readonly MatrixEvent[]): ReadonlyMap<string, MatrixEvent> {
    const candidates = events.filter((event) => isEdit(event) && !event.isRedacted());
    if (candidates.length === 0) return NO_EDITS;
    const senders = new Map(events.map((event) => [event.getId(), event.getSender()]));
    const edits = new Map<string, MatrixEvent>();
    for (const edit of candidates) {
      const target = edit.getWireContent()["m.relates_to"]?.event_id;
      if (typeof target !== "string" || senders.get(target) !== edit.getSender()) continue;
      if (this.#context.guard.reader.read(edit).state === "readable") edits.set(target, edit);
    }
    return edits;
  }

  // ------------------------------------------------------------ loading

  async loadOlder(): Promise<void> {
    if (this.#backwards.status === "loading" || this.#backwards.status === "end") return;
    const room = this.#room();
    if (room === null) return;
    this.#setBackwards({ status: "loading" });
    try {
      const before = this.#items(room).length;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const more = await this.#context.client.paginateEventTimeline(oldest(room), { backwards: true, limit: PAGE });
        if (!more) {
          this.#setBackwards({ status: "end" });
          return;
        }
        if (this.#items(room).length >= before + WANTED_ITEMS) break;
      }
      this.#setBackwards({ status: "idle" });
    } catch (error) {
      this.#setBackwards({ status: "failed", failure: toFailure(error).info });
    }
  }

  #setBackwards(state: PaginationState): void {
    this.#backwards = state;
    this.#publish();
  }

  // ------------------------------------------------------------ sending

  async sendText(text: string, options: { readonly replyTo?: string } = {}): Promise<void> {
    const body = text.trim();
    if (body === "") return;
    this.setTyping(false);
    const replyTo = options.replyTo ?? null;
    const answered = replyTo === null ? undefined : this.#room()?.findEventById(replyTo)?.getSender();
    const mentions = answered === undefined || answered === this.#context.userId ? {} : { user_ids: [answered] };
    await this.#outbox.sendText(
      {
        msgtype: "m.text",
        body,
        "m.mentions": mentions,
        ...(replyTo === null ? {} : { "m.relates_to": { "m.in_reply_to": { event_id: replyTo } } }),
      },
      body,
      replyTo,
    );
  }

  async sendFiles(files: readonly OutgoingFile[]): Promise<void> {
    await Promise.all(files.map((file) => this.#outbox.sendFile(file)));
  }

  async retry(key: string): Promise<void> {
    const event = this.#pendingEvent(key);
    if (event === null) {
      this.#outbox.retry(key.replace(/^txn:/, ""));
      return;
    }
    try {
      await this.#context.guard.resend(event);
    } catch (error) {
      const failure = toFailure(error);
      // Shown on the item itself, unless the guard refused before the SDK tried.
      if (event.status === EventStatus.NOT_SENT && event.error !== error) throw failure;
    }
  }

  async discard(key: string): Promise<void> {
    const event = this.#pendingEvent(key);
    if (event === null) this.#outbox.discard(key.replace(/^txn:/, ""));
    else if (event.status !== EventStatus.SENDING && event.status !== EventStatus.SENT) {
      this.#context.client.cancelPendingEvent(event);
    }
    this.#touch();
  }

  async redact(eventId: string): Promise<void> {
    try {
      await this.#context.guard.redact(this.#roomId, eventId);
    } catch (error) {
      throw toFailure(error);
    }
  }

  #pendingEvent(key: string): MatrixEvent | null {
    const pending = this.#room()?.getPendingEvents() ?? [];
    return pending.find((event) => itemKey(event, true) === key) ?? null;
  }

  // ------------------------------------------------------------ reading

  async markRead(): Promise<void> {
    const room = this.#room();
    if (room === null || room.getMyMembership() !== "join") return;
    const last = [...room.getLiveTimeline().getEvents()].reverse().find((event) => event.status === null);
    const eventId = last?.getId();
    if (last === undefined || eventId === undefined || eventId === this.#lastRead) return;
    const before = this.#lastRead;
    this.#lastRead = eventId;
    try {
      await this.#context.client.setRoomReadMarkers(this.#roomId, eventId, last);
    } catch (error) {
      this.#lastRead = before;
      throw toFailure(error);
    }
  }

  setTyping(typing: boolean): void {
    if (this.#typingSilence !== null) clearTimeout(this.#typingSilence);
    this.#typingSilence = null;
    if (!typing) {
      if (this.#typingSent !== 0) this.#sendTyping(false);
      return;
    }
    this.#typingSilence = setTimeout(() => this.setTyping(false), TYPING_SILENCE_MS);
    if (Date.now() - this.#typingSent < TYPING_AGAIN_MS) return;
    if (this.#typingSent === 0) this.#prepare();
    this.#sendTyping(true);
  }

  #sendTyping(typing: boolean): void {
    this.#typingSent = typing ? Date.now() : 0;
    // Nothing is lost if it fails.
    this.#context.client.sendTyping(this.#roomId, typing, TYPING_LASTS_MS).catch(() => undefined);
  }

  /** Shares the room's key while the person types, so that sending is quick. */
  #prepare(): void {
    const room = this.#room();
    if (room !== null && this.#context.guard.verdict(room).state === "open") this.#context.crypto.prepareToEncrypt(room);
  }

  #room(): Room | null {
    return this.#context.client.getRoom(this.#roomId);
  }

  /** Rejects if I am not in the room. */
  assertKnown(): void {
    if (this.#room() === null) throw new Failure("not-found");
  }
}

const NO_EDITS: ReadonlyMap<string, MatrixEvent> = new Map();

/** The oldest loaded piece that joins the live one without a gap. */
function oldest(room: Room): EventTimeline {
  let timeline = room.getLiveTimeline();
  for (;;) {
    const before = timeline.getNeighbouringTimeline(Direction.Backward);
    if (before === null) return timeline;
    timeline = before;
  }
}

/** All loaded events down to the present, oldest first. */
function loaded(room: Room): readonly MatrixEvent[] {
  const live = room.getLiveTimeline();
  if (live.getNeighbouringTimeline(Direction.Backward) === null) return live.getEvents();
  const pieces: MatrixEvent[][] = [];
  for (
    let timeline: EventTimeline | null = live;
    timeline !== null;
    timeline = timeline.getNeighbouringTimeline(Direction.Backward)
  ) {
    pieces.unshift(timeline.getEvents());
  }
  return pieces.flat();
}

/** Whether the last events hold the one of a transaction: it is then no longer on its way. */
function hasTransaction(events: readonly MatrixEvent[], txnId: string): boolean {
  for (let index = events.length - 1; index >= Math.max(0, events.length - 50); index -= 1) {
    if (events[index]?.getTxnId() === txnId) return true;
  }
  return false;
}
