/** What is done with rooms as a whole. */
import { EventType, type ICreateRoomOpts, Preset, type Room, RoomEvent, Visibility } from "matrix-js-sdk";
import type { InviteResult, RoomsActions } from "../api";
import { Failure, toFailure } from "../errors";
import { MEGOLM } from "../guard/decisions";
import type { Observable } from "../observable";
import type { SessionContext } from "../session/context";
import type { RoomDetails, RoomId, RoomListState, UserId } from "../types";
import { RoomDetailsSource } from "./details";
import { DirectRooms } from "./direct";
import { RoomList } from "./list";

const MAX_NAME = 255;
/** How long a created or joined room may take to come down the sync. */
const ARRIVAL_TIMEOUT_MS = 30_000;
/** Invitations under way at the same time. */
const PARALLEL_INVITES = 4;

/** Every room is encrypted from its first event; there is no way to ask for another. */
function encryptedFromTheStart(historyVisibility: "invited" | "shared"): ICreateRoomOpts["initial_state"] {
  return [
    { type: EventType.RoomEncryption, state_key: "", content: { algorithm: MEGOLM } },
    { type: EventType.RoomHistoryVisibility, state_key: "", content: { history_visibility: historyVisibility } },
    { type: EventType.RoomGuestAccess, state_key: "", content: { guest_access: "forbidden" } },
  ];
}

/** See {@link RoomsActions}. */
export class Rooms implements RoomsActions {
  readonly list: Observable<RoomListState>;
  readonly direct: DirectRooms;
  readonly #list: RoomList;
  readonly #context: SessionContext;
  readonly #details = new Map<RoomId, RoomDetailsSource>();
  /** Direct conversations being made: two clicks make one room. */
  readonly #opening = new Map<UserId, Promise<RoomId>>();

  constructor(context: SessionContext) {
    this.#context = context;
    this.direct = new DirectRooms(context.client, context.onClose);
    this.#list = new RoomList(context, this.direct);
    this.list = this.#list.state;
  }

  details(roomId: RoomId): Observable<RoomDetails | null> {
    const known = this.#details.get(roomId);
    if (known !== undefined) return known;
    const details = new RoomDetailsSource(this.#context, this.direct, roomId);
    this.#details.set(roomId, details);
    return details;
  }

  /** Unsent and failed messages in all rooms. */
  unsentMessages(): number {
    return this.#list.unsentMessages();
  }

  // ------------------------------------------------------------ create

  openDirect(userId: UserId): Promise<RoomId> {
    const opening = this.#opening.get(userId);
    if (opening !== undefined) return opening;
    const work = this.#openDirect(userId)
      .catch((error: unknown) => {
        throw toFailure(error);
      })
      .finally(() => this.#opening.delete(userId));
    this.#opening.set(userId, work);
    return work;
  }

  async #openDirect(userId: UserId): Promise<RoomId> {
    if (userId === this.#context.userId) throw new Failure("forbidden");
    const existing = this.direct.existing(userId);
    if (existing?.getMyMembership() === "invite") {
      await this.acceptInvite(existing.roomId);
      return existing.roomId;
    }
    if (existing !== null) return existing.roomId;
    const roomId = await this.#create({
      preset: Preset.TrustedPrivateChat,
      is_direct: true,
      invite: [userId],
      initial_state: encryptedFromTheStart("invited"),
    });
    await this.direct.add(roomId, userId);
    return roomId;
  }

  async createGroup(options: { readonly name: string; readonly people: readonly UserId[] }): Promise<RoomId> {
    const name = options.name.trim().slice(0, MAX_NAME);
    const people = [...new Set(options.people)].filter((userId) => userId !== this.#context.userId);
    try {
      const roomId = await this.#create({
        name,
        preset: Preset.PrivateChat,
        initial_state: encryptedFromTheStart("shared"),
        // The whole answer would fail for one person who cannot be invited: they are invited after.
      });
      await this.invite(roomId, people);
      return roomId;
    } catch (error) {
      throw toFailure(error);
    }
  }

  async #create(options: ICreateRoomOpts): Promise<RoomId> {
    const { room_id } = await this.#context.client.createRoom({ visibility: Visibility.Private, ...options });
    await this.#arrival(room_id, (room) => room.getMyMembership() === "join" && room.hasEncryptionStateEvent());
    return room_id;
  }

  /** Resolves once the sync has brought a room in the wanted shape. */
  async #arrival(roomId: RoomId, isThere: (room: Room) => boolean): Promise<void> {
    const { client } = this.#context;
    const check = () => {
      const room = client.getRoom(roomId);
      return room !== null && isThere(room);
    };
    if (check()) return;
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        unsubscribe();
        client.off(RoomEvent.MyMembership, onChange);
      };
      const onChange = () => {
        if (!check()) return;
        stop();
        resolve();
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Failure("timeout"));
      }, ARRIVAL_TIMEOUT_MS);
      const unsubscribe = this.list.subscribe(onChange);
      client.on(RoomEvent.MyMembership, onChange);
    });
  }

  // ------------------------------------------------------------ membership

  async invite(roomId: RoomId, people: readonly UserId[]): Promise<InviteResult> {
    const invited: UserId[] = [];
    const failed: { userId: UserId; failure: Failure["info"] }[] = [];
    const queue = [...people];
    const work = async () => {
      for (let userId = queue.shift(); userId !== undefined; userId = queue.shift()) {
        try {
          await this.#context.client.invite(roomId, userId);
          invited.push(userId);
        } catch (error) {
          failed.push({ userId, failure: toFailure(error).info });
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_INVITES }, work));
    return { invited, failed };
  }

  async acceptInvite(roomId: RoomId): Promise<void> {
    const { client } = this.#context;
    try {
      const inviter = client.getRoom(roomId)?.getDMInviter() ?? null;
      await client.joinRoom(roomId);
      if (inviter !== null) await this.direct.add(roomId, inviter);
      await this.#arrival(roomId, (room) => room.getMyMembership() === "join");
    } catch (error) {
      throw toFailure(error);
    }
  }

  async declineInvite(roomId: RoomId): Promise<void> {
    await this.leave(roomId);
  }

  async leave(roomId: RoomId): Promise<void> {
    const { client } = this.#context;
    try {
      await client.leave(roomId);
      await client.forget(roomId, true);
    } catch (error) {
      throw toFailure(error);
    }
  }

  async rename(roomId: RoomId, name: string): Promise<void> {
    await this.#context.client.setRoomName(roomId, name.trim().slice(0, MAX_NAME)).catch((error: unknown) => {
      throw toFailure(error);
    });
  }

  async removeMember(roomId: RoomId, userId: UserId): Promise<void> {
    await this.#context.client.kick(roomId, userId).catch((error: unknown) => {
      throw toFailure(error);
    });
  }

  async approveIdentity(userId: UserId): Promise<void> {
    await this.#context.guard.approveIdentity(userId).catch((error: unknown) => {
      throw toFailure(error);
    });
  }
}
