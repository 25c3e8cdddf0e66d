/**
 * The guard of a session: every message leaves through it, and it can tell at
 * any time whether and why a room's sending is suspended.
 */
import {
  ClientEvent,
  EventTimeline,
  EventType,
  type ISendEventResponse,
  type MatrixClient,
  type MatrixEvent,
  type Room,
  type RoomMember,
  RoomStateEvent,
} from "matrix-js-sdk";
import {
  type CryptoApi,
  CryptoEvent,
  OnlySignedDevicesIsolationMode,
  type UserVerificationStatus,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { Failure } from "../errors";
import { blocksSending, type IdentityStatus, judgeEncryption } from "./decisions";
import type { EncryptionLatch } from "./latch";
import { EventReader } from "./reader";
import { guardRoomKeySharing } from "./recipients";

/** Whether a room's messages may leave, as far as the guard decides. */
export type GuardVerdict =
  | { readonly state: "open" }
  | { readonly state: "checking" }
  | { readonly state: "identity-changed"; readonly people: readonly IdentityStatus[] }
  | { readonly state: "not-encrypted" | "encryption-weakened" | "device-not-confirmed" };

/** Identities asked for at the same time. */
const BATCH = 32;

/** See the file's head. */
export class Guard {
  readonly #client: MatrixClient;
  readonly #crypto: CryptoApi;
  readonly #latch: EncryptionLatch;
  readonly reader: EventReader;
  /** Identities asked for so far. */
  readonly #identities = new Map<string, IdentityStatus>();
  /** Of those, the ones that suspend sending. Nearly always empty. */
  readonly #blocking = new Map<string, IdentityStatus>();
  /** Rooms whose members' identities have all been asked for once. */
  readonly #checkedRooms = new Set<string>();
  readonly #checksUnderWay = new Map<string, Promise<void>>();
  readonly #listeners = new Set<(userIds: readonly string[] | null) => void>();
  #deviceConfirmed = false;

  /** Installs the guard; call after the cryptography is up and before the client starts. */
  constructor(client: MatrixClient, crypto: CryptoApi, latch: EncryptionLatch) {
    this.#client = client;
    this.#crypto = crypto;
    this.#latch = latch;
    // Only devices signed by their owner get keys, and only their messages are read.
    crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
    guardRoomKeySharing(crypto, {
      known: (roomId, userIds) => this.#assertNobodyBlocks(roomId, userIds),
      fresh: (roomId, userIds) => this.#assertIdentities(roomId, userIds),
    });
    this.reader = new EventReader(client, crypto, latch);
    client.on(CryptoEvent.UserTrustStatusChanged, this.#onTrustChanged);
    client.on(CryptoEvent.DevicesUpdated, this.#onDevicesUpdated);
    client.on(RoomStateEvent.Events, this.#onStateEvent);
    client.on(RoomStateEvent.NewMember, this.#onNewMember);
    client.on(ClientEvent.Room, this.#onRoom);
  }

  close(): void {
    this.#client.off(CryptoEvent.UserTrustStatusChanged, this.#onTrustChanged);
    this.#client.off(CryptoEvent.DevicesUpdated, this.#onDevicesUpdated);
    this.#client.off(RoomStateEvent.Events, this.#onStateEvent);
    this.#client.off(RoomStateEvent.NewMember, this.#onNewMember);
    this.#client.off(ClientEvent.Room, this.#onRoom);
    this.#listeners.clear();
    this.reader.close();
    this.#latch.close();
  }

  /** Tells of changed identities (their user ids), or of anything else that may change verdicts (null). */
  subscribe(listener: (userIds: readonly string[] | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether this device has been confirmed by its owner; until then nobody reads what it sends. */
  setDeviceConfirmed(confirmed: boolean): void {
    if (confirmed === this.#deviceConfirmed) return;
    this.#deviceConfirmed = confirmed;
    this.#tell(null);
  }

  // ------------------------------------------------------------ verdicts

  /** The present verdict on a room, without waiting. */
  verdict(room: Room): GuardVerdict {
    const encryption = this.#judgeRoom(room);
    if (encryption !== null) return { state: encryption };
    if (!this.#deviceConfirmed) return { state: "device-not-confirmed" };
    const people = this.#blockingIn(room);
    if (people.length > 0) return { state: "identity-changed", people };
    return { state: this.#checkedRooms.has(room.roomId) ? "open" : "checking" };
  }

  /** Whether somebody's changed identity is known to suspend this room. */
  isSuspended(room: Room): boolean {
    return this.#blocking.size > 0 && this.#blockingIn(room).length > 0;
  }

  /** Asks for the identities of a room's members, once. */
  async check(room: Room): Promise<void> {
    if (this.#checkedRooms.has(room.roomId)) return;
    const underWay = this.#checksUnderWay.get(room.roomId);
    if (underWay !== undefined) return underWay;
    const check = this.#checkMembers(room).finally(() => this.#checksUnderWay.delete(room.roomId));
    this.#checksUnderWay.set(room.roomId, check);
    return check;
  }

  /** The identity of a person, asked for if not known yet. */
  async identity(userId: string): Promise<IdentityStatus & { readonly known: boolean }> {
    const status = await this.#crypto.getUserVerificationStatus(userId);
    this.#remember(userId, status);
    return { ...toIdentity(userId, status), known: status.known };
  }

  /** The person accepts somebody's new identity, without comparing emojis. */
  async approveIdentity(userId: string): Promise<void> {
    const status = await this.#crypto.getUserVerificationStatus(userId);
    if (status.wasCrossSigningVerified() && !status.isVerified()) {
      await this.#crypto.withdrawVerificationRequirement(userId);
    }
    await this.#crypto.pinCurrentUserIdentity(userId);
    await this.identity(userId);
    this.#tell([userId]);
  }

  /** People whose present identity I compared by emoji, among those that this device has met. */
  async verifiedPeople(): Promise<readonly string[]> {
    const met = new Set(this.#identities.keys());
    for (const room of this.#client.getRooms()) for (const member of room.currentState.getMembers()) met.add(member.userId);
    met.delete(this.#client.getUserId() ?? "");
    await this.#ask([...met]);
    return [...met].filter((userId) => this.#identities.get(userId)?.verified === true);
  }

  /** After I made a new identity on purpose: my comparisons are void, which is no alarm about those people. */
  async forgetVerifications(userIds: readonly string[]): Promise<void> {
    for (const userId of userIds) await this.#crypto.withdrawVerificationRequirement(userId);
    await this.#ask(userIds);
  }

  // ------------------------------------------------------------ sending

  /** Rejects unless a message may leave for this room now. */
  async assertMaySend(room: Room): Promise<void> {
    const before = this.verdict(room);
    if (before.state === "checking") await this.check(room);
    const verdict = this.verdict(room);
    switch (verdict.state) {
      case "open":
      case "checking":
        return;
      case "identity-changed":
        throw new Failure("identity-changed", { people: verdict.people.map((person) => person.userId) });
      default:
        throw new Failure(verdict.state);
    }
  }

  /** Sends an encrypted event. The only caller of the SDK's `sendEvent`. */
  async send(roomId: string, type: string, content: Record<string, unknown>, txnId: string): Promise<ISendEventResponse> {
    const room = this.#room(roomId);
    await this.assertMaySend(room);
    return this.#client.sendEvent(roomId, null, type as EventType.RoomMessage, content as never, txnId);
  }

  /** Sends a failed event again. */
  async resend(event: MatrixEvent): Promise<void> {
    const room = this.#room(event.getRoomId() ?? "");
    await this.assertMaySend(room);
    await this.#client.resendEvent(event, room);
  }

  /** Removes an event for everyone. In clear, so without a reason. */
  async redact(roomId: string, eventId: string): Promise<void> {
    await this.#client.redactEvent(roomId, eventId);
  }

  // ------------------------------------------------------------ inside

  #room(roomId: string): Room {
    const room = this.#client.getRoom(roomId);
    if (room === null) throw new Failure("not-found");
    return room;
  }

  #judgeRoom(room: Room): "not-encrypted" | "encryption-weakened" | null {
    const state = room.getLiveTimeline().getState(EventTimeline.FORWARDS);
    const content = state?.getStateEvents(EventType.RoomEncryption, "")?.getContent() ?? null;
    const verdict = judgeEncryption(content, this.#latch.get(room.roomId));
    if (!verdict.allowed) return verdict.kind;
    this.#latch.remember(room.roomId, verdict.latch);
    return null;
  }

  #blockingIn(room: Room): readonly IdentityStatus[] {
    if (this.#blocking.size === 0) return [];
    const people: IdentityStatus[] = [];
    for (const [userId, status] of this.#blocking) {
      const membership = room.getMember(userId)?.membership;
      if (membership === "join" || membership === "invite") people.push(status);
    }
    return people;
  }

  async #checkMembers(room: Room): Promise<void> {
    await room.loadMembersIfNeeded();
    const unknown = [...room.getMembersWithMembership("join"), ...room.getMembersWithMembership("invite")]
      .map((member) => member.userId)
      .filter((userId) => !this.#identities.has(userId));
    await this.#ask(unknown);
    this.#checkedRooms.add(room.roomId);
    this.#tell(null);
  }

  async #ask(userIds: readonly string[]): Promise<void> {
    for (let start = 0; start < userIds.length; start += BATCH) {
      await Promise.all(userIds.slice(start, start + BATCH).map((userId) => this.identity(userId)));
    }
  }

  /** The check beside the sharing of keys: asks afresh, trusts no cache. */
  async #assertIdentities(roomId: string, userIds: readonly string[]): Promise<void> {
    const me = this.#client.getUserId();
    await this.#ask(userIds.filter((userId) => userId !== me));
    this.#assertNobodyBlocks(roomId, userIds);
  }

  #assertNobodyBlocks(roomId: string, userIds: readonly string[]): void {
    if (this.#blocking.size > 0) {
      const people = userIds.filter((userId) => this.#blocking.has(userId));
      if (people.length > 0) throw new Failure("identity-changed", { people });
    }
    const room = this.#client.getRoom(roomId);
    const refusal = room === null ? "not-encrypted" : this.#judgeRoom(room);
    if (refusal !== null) throw new Failure(refusal);
  }

  #remember(userId: string, status: UserVerificationStatus): boolean {
    if (userId === this.#client.getUserId()) return false;
    const identity = toIdentity(userId, status);
    const before = this.#identities.get(userId);
    this.#identities.set(userId, identity);
    const blockedBefore = this.#blocking.has(userId);
    const blocked = blocksSending(identity);
    if (blocked) this.#blocking.set(userId, identity);
    else this.#blocking.delete(userId);
    const changed = blocked !== blockedBefore || before?.verified !== identity.verified;
    if (changed && before !== undefined) this.#tell([userId]);
    else if (blocked && !blockedBefore) this.#tell([userId]);
    return changed;
  }

  #tell(userIds: readonly string[] | null): void {
    for (const listener of [...this.#listeners]) listener(userIds);
  }

  readonly #onTrustChanged = (userId: string, status: UserVerificationStatus): void => {
    this.#remember(userId, status);
  };

  readonly #onDevicesUpdated = (userIds: string[]): void => {
    const known = userIds.filter((userId) => this.#identities.has(userId));
    if (known.length > 0) this.#ask(known).catch(() => undefined);
  };

  readonly #onStateEvent = (event: MatrixEvent): void => {
    if (event.getType() !== EventType.RoomEncryption) return;
    const room = this.#client.getRoom(event.getRoomId());
    if (room === null) return;
    this.#judgeRoom(room);
    this.#tell(null);
  };

  /** Somebody came: their identity is asked for before the next message. */
  readonly #onNewMember = (_event: MatrixEvent, _state: unknown, member: RoomMember): void => {
    if (this.#identities.has(member.userId) || !this.#checkedRooms.has(member.roomId)) return;
    if (this.#checksUnderWay.has(member.roomId)) return;
    this.identity(member.userId).catch(() => undefined);
  };

  readonly #onRoom = (room: Room): void => {
    this.#judgeRoom(room);
  };
}

function toIdentity(userId: string, status: UserVerificationStatus): IdentityStatus {
  return {
    userId,
    needsApproval: status.needsUserApproval,
    verified: status.isVerified(),
    wasVerified: status.wasCrossSigningVerified(),
  };
}
