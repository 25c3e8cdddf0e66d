/** A room's details, members and send gate, computed only while somebody looks. */
import {
  ClientEvent,
  EventType,
  type MatrixEvent,
  type Room,
  RoomEvent,
  type RoomMember,
  RoomMemberEvent,
  type RoomState,
  RoomStateEvent,
} from "matrix-js-sdk";
import { type Observable, Value } from "../observable";
import type { SessionContext } from "../session/context";
import { mxcOrNull } from "../session/people-cache";
import type { Member, PersonTrust, RoomDetails, RoomId, SendGate, SuspendedPerson, UserId } from "../types";
import type { DirectRooms } from "./direct";
import { typingNames } from "./list";

const GATHER_MS = 16;
const ROLE_ORDER = { owner: 0, moderator: 1, member: 2 } as const;

/** See {@link RoomDetails}. One object per room. */
export class RoomDetailsSource implements Observable<RoomDetails | null> {
  readonly #context: SessionContext;
  readonly #direct: DirectRooms;
  readonly #roomId: RoomId;
  readonly #value = new Value<RoomDetails | null>(null);
  readonly #trust = new Map<UserId, PersonTrust>();
  readonly #members = new Map<UserId, Member>();
  #membersLoaded = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stop: (() => void) | null = null;

  constructor(context: SessionContext, direct: DirectRooms, roomId: RoomId) {
    this.#context = context;
    this.#direct = direct;
    this.#roomId = roomId;
    this.#value.set(this.#compute());
  }

  readonly getSnapshot = (): RoomDetails | null => this.#value.getSnapshot();

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#value.subscribe(listener);
    this.#stop ??= this.#start();
    return () => {
      unsubscribe();
      if (this.#value.listenerCount > 0) return;
      this.#stop?.();
      this.#stop = null;
    };
  };

  #start(): () => void {
    const { client, guard } = this.#context;
    const touch = () => this.#touch();
    const ifThisRoom = (room: Room) => {
      if (room.roomId !== this.#roomId) return;
      this.#touch();
      if (!this.#membersLoaded) void this.#loadMembers();
    };
    const onState = (event: MatrixEvent) => {
      if (event.getRoomId() === this.#roomId) this.#touch();
    };
    const onMember = (_event: MatrixEvent, _state: RoomState, member: RoomMember) => {
      if (member.roomId === this.#roomId) this.#touch();
    };
    const onTyping = (_event: MatrixEvent, member: RoomMember) => {
      if (member.roomId === this.#roomId) this.#touch();
    };
    const onAccountData = (event: MatrixEvent) => {
      if (event.getType() === "m.direct") this.#touch();
    };
    client.on(ClientEvent.Room, ifThisRoom);
    client.on(RoomEvent.Name, ifThisRoom);
    client.on(RoomEvent.MyMembership, ifThisRoom);
    client.on(RoomStateEvent.Events, onState);
    client.on(RoomStateEvent.Members, onMember);
    client.on(RoomMemberEvent.Typing, onTyping);
    client.on(ClientEvent.AccountData, onAccountData);
    const stopGuard = guard.subscribe((userIds) => {
      for (const userId of userIds ?? []) this.#trust.delete(userId);
      touch();
    });
    this.#touch();
    void this.#loadMembers();
    return () => {
      client.off(ClientEvent.Room, ifThisRoom);
      client.off(RoomEvent.Name, ifThisRoom);
      client.off(RoomEvent.MyMembership, ifThisRoom);
      client.off(RoomStateEvent.Events, onState);
      client.off(RoomStateEvent.Members, onMember);
      client.off(RoomMemberEvent.Typing, onTyping);
      client.off(ClientEvent.AccountData, onAccountData);
      stopGuard();
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  async #loadMembers(): Promise<void> {
    const room = this.#context.client.getRoom(this.#roomId);
    if (room === null || room.getMyMembership() !== "join") return;
    try {
      await this.#context.guard.check(room);
      this.#membersLoaded = true;
    } catch {
      // Offline: the list stays partial, and is asked for again when the room is next opened.
    }
    this.#touch();
  }

  #touch(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const before = this.#value.getSnapshot();
      const next = this.#compute();
      if (!sameDetails(before, next)) this.#value.set(next);
    }, GATHER_MS);
  }

  #compute(): RoomDetails | null {
    const { client, persons, userId } = this.#context;
    const room = client.getRoom(this.#roomId);
    const membership = room?.getMyMembership();
    if (room === null || membership === undefined) return null;
    const state = room.currentState;
    const partnerId = this.#direct.partner(room);
    const partner = partnerId === null ? null : persons.inRoom(room, partnerId);
    const named = state.getStateEvents(EventType.RoomName, "")?.getContent()["name"];
    const topic = state.getStateEvents(EventType.RoomTopic, "")?.getContent()["topic"];
    const joined = membership === "join";
    return {
      roomId: this.#roomId,
      name: partner !== null && !named ? partner.displayName : room.name,
      topic: typeof topic === "string" && topic.trim() !== "" ? topic : null,
      avatar: mxcOrNull(room.getMxcAvatarUrl()) ?? partner?.avatar ?? null,
      partner,
      encrypted: room.hasEncryptionStateEvent(),
      memberCount: room.getInvitedAndJoinedMemberCount(),
      members: this.#memberList(room),
      membersLoaded: this.#membersLoaded,
      gate: sendGate(this.#context, room),
      can: {
        send: joined && state.maySendEvent(EventType.RoomMessageEncrypted, userId),
        invite: joined && room.canInvite(userId),
        rename: joined && state.maySendStateEvent(EventType.RoomName, userId),
        remove: joined && state.hasSufficientPowerLevelFor("kick", room.getMember(userId)?.powerLevel ?? 0),
      },
      typing: typingNames(this.#context, room),
    };
  }

  #memberList(room: Room): readonly Member[] {
    const members = [...room.getMembersWithMembership("join"), ...room.getMembersWithMembership("invite")];
    return members
      .map((member) => this.#member(room, member))
      .sort((a, b) => ROLE_ORDER[a.role] - ROLE_ORDER[b.role] || a.displayName.localeCompare(b.displayName));
  }

  #member(room: Room, member: RoomMember): Member {
    const me = member.userId === this.#context.userId;
    const person = this.#context.persons.inRoom(room, member.userId);
    const next: Member = {
      ...person,
      membership: member.membership === "invite" ? "invite" : "join",
      role: member.powerLevel >= 100 ? "owner" : member.powerLevel >= 50 ? "moderator" : "member",
      me,
      trust: me ? null : this.#trustOf(member.userId),
    };
    const before = this.#members.get(member.userId);
    const same =
      before?.displayName === next.displayName &&
      before.avatar === next.avatar &&
      before.membership === next.membership &&
      before.role === next.role &&
      before.trust === next.trust;
    if (same) return before;
    this.#members.set(member.userId, next);
    return next;
  }

  #trustOf(userId: UserId): PersonTrust | null {
    const known = this.#trust.get(userId);
    if (known !== undefined) return known;
    // Only once members are loaded: their identities are then at hand.
    if (!this.#membersLoaded) return null;
    trustOf(this.#context, userId).then(
      (trust) => {
        this.#trust.set(userId, trust);
        this.#touch();
      },
      () => undefined,
    );
    return null;
  }
}

/** Members keep their references, so that a large room is compared without being serialised. */
function sameDetails(a: RoomDetails | null, b: RoomDetails | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.members.length !== b.members.length || a.members.some((member, index) => member !== b.members[index])) return false;
  return JSON.stringify({ ...a, members: null }) === JSON.stringify({ ...b, members: null });
}

/** What is known of a person's identity. */
export async function trustOf(context: SessionContext, userId: UserId): Promise<PersonTrust> {
  const identity = await context.guard.identity(userId);
  if (identity.needsApproval || (identity.wasVerified && !identity.verified)) return "changed";
  if (identity.verified) return "verified";
  return identity.known ? "known" : "none";
}

/** Whether a message may leave for a room now, for display. */
export function sendGate(context: SessionContext, room: Room): SendGate {
  if (room.getMyMembership() !== "join") return { state: "closed", reason: "left" };
  const verdict = context.guard.verdict(room);
  switch (verdict.state) {
    case "identity-changed": {
      const people = verdict.people.map(
        (identity): SuspendedPerson => ({
          ...context.persons.inRoom(room, identity.userId),
          wasVerified: identity.wasVerified,
        }),
      );
      return { state: "suspended", reason: "identity-changed", people };
    }
    case "not-encrypted":
    case "encryption-weakened":
    case "device-not-confirmed":
      return { state: "suspended", reason: verdict.state, people: [] };
    default:
      break;
  }
  const maySpeak = room.currentState.maySendEvent(EventType.RoomMessageEncrypted, context.userId);
  if (!maySpeak) return { state: "closed", reason: "no-permission" };
  return { state: verdict.state };
}
