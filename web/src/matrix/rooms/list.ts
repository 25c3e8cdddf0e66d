/** The conversation list: recomputes only the rows that something happened to. */
import {
  ClientEvent,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  NotificationCountType,
  type Room,
  RoomEvent,
  type RoomMember,
  RoomMemberEvent,
  type RoomState,
  RoomStateEvent,
  SyncState,
} from "matrix-js-sdk";
import { Value } from "../observable";
import type { SessionContext } from "../session/context";
import { mxcOrNull } from "../session/people-cache";
import type { RoomId, RoomListState, RoomSummary } from "../types";
import type { DirectRooms } from "./direct";
import { roomPreview } from "./preview";

/** Changes are gathered for this long, so that a sync of many rooms is one update. */
const GATHER_MS = 16;

/** See {@link RoomListState}. */
export class RoomList {
  readonly state = new Value<RoomListState>({ loading: true, rooms: [], unread: 0, highlights: 0 });
  readonly #context: SessionContext;
  readonly #client: MatrixClient;
  readonly #direct: DirectRooms;
  readonly #rows = new Map<RoomId, RoomSummary>();
  readonly #dirty = new Set<RoomId>();
  /** When an invitation without a time was first seen. */
  readonly #firstSeen = new Map<RoomId, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #prepared = false;

  constructor(context: SessionContext, direct: DirectRooms) {
    this.#context = context;
    this.#client = context.client;
    this.#direct = direct;
    direct.onChange = (roomIds) => this.#touchAll(roomIds);
    const client = this.#client;

    const onRoom = (room: Room) => this.#touch(room.roomId);
    const onTimeline = (_event: MatrixEvent, room: Room | undefined, toStart?: boolean) => {
      if (room !== undefined && toStart !== true) this.#touch(room.roomId);
    };
    const onRedaction = (_event: MatrixEvent, room: Room) => this.#touch(room.roomId);
    const onEcho = (_event: MatrixEvent, room: Room) => this.#touch(room.roomId);
    const onMembership = (room: Room) => this.#touch(room.roomId);
    const onReceipt = (_event: MatrixEvent, room: Room) => this.#touch(room.roomId);
    const onMember = (_event: MatrixEvent, _state: RoomState, member: RoomMember) => this.#touch(member.roomId);
    const onState = (event: MatrixEvent) => {
      const roomId = event.getRoomId();
      if (roomId !== undefined && ROW_STATE.has(event.getType())) this.#touch(roomId);
    };
    const onTyping = (_event: MatrixEvent, member: RoomMember) => this.#touch(member.roomId);
    const onDeleted = (roomId: string) => this.#touch(roomId);
    const onSync = (state: SyncState) => {
      if (!this.#prepared && (state === SyncState.Prepared || state === SyncState.Syncing)) {
        this.#prepared = true;
        this.#touchAll(client.getRooms().map((room) => room.roomId));
        this.#flush();
      }
    };

    client.on(ClientEvent.Room, onRoom);
    client.on(ClientEvent.DeleteRoom, onDeleted);
    client.on(ClientEvent.Sync, onSync);
    client.on(RoomEvent.Timeline, onTimeline);
    client.on(RoomEvent.Redaction, onRedaction);
    client.on(RoomEvent.LocalEchoUpdated, onEcho);
    client.on(RoomEvent.Name, onRoom);
    client.on(RoomEvent.MyMembership, onMembership);
    client.on(RoomEvent.Receipt, onReceipt);
    client.on(RoomStateEvent.Members, onMember);
    client.on(RoomStateEvent.Events, onState);
    client.on(RoomMemberEvent.Typing, onTyping);
    const onCounts = new Map<Room, () => void>();
    const watchCounts = (room: Room) => {
      if (onCounts.has(room)) return;
      const touch = () => this.#touch(room.roomId);
      onCounts.set(room, touch);
      room.on(RoomEvent.UnreadNotifications, touch);
      room.on(RoomEvent.Summary, touch);
    };
    client.on(ClientEvent.Room, watchCounts);

    const stopReader = context.guard.reader.subscribe((event) => this.#touch(event.getRoomId() ?? ""));
    const stopGuard = context.guard.subscribe((userIds) => this.#onGuard(userIds));
    context.onClose(() => {
      client.off(ClientEvent.Room, onRoom);
      client.off(ClientEvent.Room, watchCounts);
      client.off(ClientEvent.DeleteRoom, onDeleted);
      client.off(ClientEvent.Sync, onSync);
      client.off(RoomEvent.Timeline, onTimeline);
      client.off(RoomEvent.Redaction, onRedaction);
      client.off(RoomEvent.LocalEchoUpdated, onEcho);
      client.off(RoomEvent.Name, onRoom);
      client.off(RoomEvent.MyMembership, onMembership);
      client.off(RoomEvent.Receipt, onReceipt);
      client.off(RoomStateEvent.Members, onMember);
      client.off(RoomStateEvent.Events, onState);
      client.off(RoomMemberEvent.Typing, onTyping);
      for (const [room, touch] of onCounts) {
        room.off(RoomEvent.UnreadNotifications, touch);
        room.off(RoomEvent.Summary, touch);
      }
      stopReader();
      stopGuard();
      if (this.#timer !== null) clearTimeout(this.#timer);
    });
  }

  /** Unsent and failed messages in all rooms. */
  unsentMessages(): number {
    let unsent = 0;
    for (const room of this.#client.getRooms()) unsent += room.getPendingEvents().length;
    return unsent;
  }

  #onGuard(userIds: readonly string[] | null): void {
    if (userIds === null) return;
    for (const room of this.#client.getRooms()) {
      if (userIds.some((userId) => room.getMember(userId) !== null)) this.#touch(room.roomId);
    }
  }

  #touch(roomId: RoomId): void {
    this.#dirty.add(roomId);
    if (!this.#prepared) return;
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  #touchAll(roomIds: readonly RoomId[]): void {
    for (const roomId of roomIds) this.#touch(roomId);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    let changed = this.state.getSnapshot().loading;
    let order = changed;
    for (const roomId of this.#dirty) {
      const before = this.#rows.get(roomId);
      const after = this.#summary(roomId);
      if (after === null) {
        if (this.#rows.delete(roomId)) changed = order = true;
        continue;
      }
      if (before !== undefined && sameSummary(before, after)) continue;
      changed = true;
      order ||= before?.lastActivity !== after.lastActivity || before.membership !== after.membership;
      this.#rows.set(roomId, after);
    }
    this.#dirty.clear();
    if (changed) this.#publish(order);
  }

  #publish(order: boolean): void {
    const before = this.state.getSnapshot().rooms;
    const rooms = order ? [...this.#rows.values()].sort(compare) : before.map((row) => this.#rows.get(row.roomId) ?? row);
    let unread = 0;
    let highlights = 0;
    for (const room of rooms) {
      unread += room.unread;
      highlights += room.highlights;
    }
    this.state.set({ loading: false, rooms, unread, highlights });
  }

  #summary(roomId: RoomId): RoomSummary | null {
    const room = this.#client.getRoom(roomId);
    const membership = room?.getMyMembership();
    if (room === null || (membership !== "join" && membership !== "invite")) return null;
    // Spaces are folders of rooms, not conversations.
    if (room.isSpaceRoom()) return null;
    const { persons, guard, userId } = this.#context;
    const partnerId = this.#direct.partner(room);
    const partner = partnerId === null ? null : persons.inRoom(room, partnerId);
    const named = room.currentState.getStateEvents(EventType.RoomName, "")?.getContent()["name"];
    const preview = membership === "join" ? roomPreview(this.#context, room, this.#rows.get(roomId)?.preview ?? null) : null;
    const inviterId = membership === "invite" ? room.getMember(userId)?.events.member?.getSender() : undefined;
    const read = isRead(room, userId);
    return {
      roomId,
      name: partner !== null && !named ? partner.displayName : room.name,
      avatar: mxcOrNull(room.getMxcAvatarUrl()) ?? partner?.avatar ?? null,
      partner,
      membership,
      inviter: inviterId === undefined ? null : persons.inRoom(room, inviterId),
      encrypted: room.hasEncryptionStateEvent(),
      memberCount: room.getInvitedAndJoinedMemberCount(),
      preview,
      unread: read ? 0 : room.getUnreadNotificationCount(NotificationCountType.Total),
      highlights: read ? 0 : room.getUnreadNotificationCount(NotificationCountType.Highlight),
      lastActivity: this.#lastActivity(room, preview?.ts ?? null),
      typing: typingNames(this.#context, room),
      suspended: guard.isSuspended(room),
    };
  }

  #lastActivity(room: Room, previewTs: number | null): number {
    if (previewTs !== null) return previewTs;
    const lastTs = room.getLastActiveTimestamp();
    if (lastTs > 0) return lastTs;
    const seen = this.#firstSeen.get(room.roomId) ?? Date.now();
    this.#firstSeen.set(room.roomId, seen);
    return seen;
  }
}

const ROW_STATE: ReadonlySet<string> = new Set(["m.room.name", "m.room.avatar", "m.room.encryption", "m.room.canonical_alias"]);

/** Whether I have read down to the last event, as far as this browser knows (before the server's counts follow). */
function isRead(room: Room, userId: string): boolean {
  const last = room.getLastLiveEvent();
  if (last === undefined) return false;
  const id = last.getId();
  return last.getSender() === userId ? last.status === null : id !== undefined && room.getEventReadUpTo(userId) === id;
}

/** Names of the others who are typing, in a stable order. */
export function typingNames(context: SessionContext, room: Room): readonly string[] {
  return [...context.typing.in(room.roomId)]
    .filter((userId) => userId !== context.userId)
    .map((userId) => context.persons.inRoom(room, userId).displayName)
    .sort();
}

function compare(a: RoomSummary, b: RoomSummary): number {
  if (a.membership !== b.membership) return a.membership === "invite" ? -1 : 1;
  return b.lastActivity - a.lastActivity || (a.roomId < b.roomId ? -1 : 1);
}

function sameSummary(a: RoomSummary, b: RoomSummary): boolean {
  return (
    a.name === b.name &&
    a.avatar === b.avatar &&
    a.partner === b.partner &&
    a.membership === b.membership &&
    a.inviter === b.inviter &&
    a.encrypted === b.encrypted &&
    a.memberCount === b.memberCount &&
    a.unread === b.unread &&
    a.highlights === b.highlights &&
    a.lastActivity === b.lastActivity &&
    a.suspended === b.suspended &&
    a.typing.length === b.typing.length &&
    a.typing.every((name, index) => name === b.typing[index]) &&
    JSON.stringify(a.preview) === JSON.stringify(b.preview)
  );
}
