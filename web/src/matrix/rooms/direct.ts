/** Which rooms are direct conversations, from account data `m.direct`. */
import { ClientEvent, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import type { RoomId, UserId } from "../types";

type DirectContent = Record<UserId, RoomId[]>;

/** Keeps the inverse of `m.direct`. */
export class DirectRooms {
  readonly #client: MatrixClient;
  #byRoom = new Map<RoomId, UserId>();
  /** Called with the rooms whose directness changed. */
  onChange: (roomIds: readonly RoomId[]) => void = () => undefined;

  constructor(client: MatrixClient, onClose: (cleanup: () => void) => void) {
    this.#client = client;
    this.#rebuild();
    const onAccountData = (event: MatrixEvent) => {
      if (event.getType() !== "m.direct") return;
      const before = this.#byRoom;
      this.#rebuild();
      const touched = new Set([...before.keys(), ...this.#byRoom.keys()]);
      this.onChange([...touched].filter((roomId) => before.get(roomId) !== this.#byRoom.get(roomId)));
    };
    client.on(ClientEvent.AccountData, onAccountData);
    onClose(() => client.off(ClientEvent.AccountData, onAccountData));
  }

  /** The other person of a direct conversation, or null. */
  partner(room: Room): UserId | null {
    const userId = this.#byRoom.get(room.roomId) ?? room.getDMInviter() ?? null;
    // A third person came: it is a group now, whatever account data says.
    return userId !== null && room.getInvitedAndJoinedMemberCount() <= 2 ? userId : null;
  }

  /** The direct conversation with a person that is still of use: I am in it, and so are they. */
  existing(userId: UserId): Room | null {
    const rooms = this.#roomsOf(userId)
      .map((roomId) => this.#client.getRoom(roomId))
      .filter((room): room is Room => room !== null && room.getInvitedAndJoinedMemberCount() <= 2)
      .filter((room) => {
        const mine = room.getMyMembership();
        const theirs = room.getMember(userId)?.membership;
        // With lazy members theirs may be unknown: heroes and counts then tell.
        const present =
          theirs === undefined ? room.getInvitedAndJoinedMemberCount() === 2 : theirs === "join" || theirs === "invite";
        return (mine === "join" || mine === "invite") && present;
      });
    const joined = rooms.filter((room) => room.getMyMembership() === "join");
    const candidates = (joined.length > 0 ? joined : rooms).filter(
      (room) => room.getMyMembership() === "invite" || room.hasEncryptionStateEvent(),
    );
    return candidates.sort((a, b) => b.getLastActiveTimestamp() - a.getLastActiveTimestamp())[0] ?? null;
  }

  /** Marks a room as direct. */
  async add(roomId: RoomId, userId: UserId): Promise<void> {
    const content = this.#content();
    const rooms = content[userId] ?? [];
    if (rooms.includes(roomId)) return;
    await this.#client.setAccountData("m.direct" as never, { ...content, [userId]: [...rooms, roomId] } as never);
  }

  #roomsOf(userId: UserId): readonly RoomId[] {
    const invitations = this.#client
      .getRooms()
      .filter((room) => room.getMyMembership() === "invite" && room.getDMInviter() === userId)
      .map((room) => room.roomId);
    return [...(this.#content()[userId] ?? []), ...invitations];
  }

  #content(): DirectContent {
    const content = this.#client.getAccountData("m.direct" as never)?.getContent() ?? {};
    return Object.fromEntries(Object.entries(content).filter((entry): entry is [string, string[]] => Array.isArray(entry[1])));
  }

  #rebuild(): void {
    const byRoom = new Map<RoomId, UserId>();
    for (const [userId, roomIds] of Object.entries(this.#content())) {
      for (const roomId of roomIds) byRoom.set(roomId, userId);
    }
    this.#byRoom = byRoom;
  }
}
