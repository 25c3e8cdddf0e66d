/** Who is typing where, kept from events so that no member list is walked. */
import { type MatrixClient, type MatrixEvent, type RoomMember, RoomMemberEvent } from "matrix-js-sdk";
import type { RoomId, UserId } from "../types";

/** Keeps the typing people of each room. */
export class TypingPeople {
  readonly #rooms = new Map<RoomId, Set<UserId>>();

  constructor(client: MatrixClient, onClose: (cleanup: () => void) => void) {
    const onTyping = (_event: MatrixEvent, member: RoomMember) => {
      const people = this.#rooms.get(member.roomId) ?? new Set();
      if (member.typing) people.add(member.userId);
      else people.delete(member.userId);
      if (people.size === 0) this.#rooms.delete(member.roomId);
      else this.#rooms.set(member.roomId, people);
    };
    client.on(RoomMemberEvent.Typing, onTyping);
    onClose(() => client.off(RoomMemberEvent.Typing, onTyping));
  }

  /** User ids, me included if I type elsewhere. */
  in(roomId: RoomId): Iterable<UserId> {
    return this.#rooms.get(roomId) ?? [];
  }
}
