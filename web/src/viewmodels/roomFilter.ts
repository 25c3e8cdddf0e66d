import type { RoomId, RoomSummary } from "../matrix/types";

/** Which conversations the list shows. */
export type RoomFilter = "all" | "unread" | "people" | "groups";

/** All filters, in the order of their chips. */
export const ROOM_FILTERS: readonly RoomFilter[] = ["all", "unread", "people", "groups"];

const foldedNames = new WeakMap<RoomSummary, string>();

/** A text without case and accents, so that "kone" finds "Koné". */
export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function foldedName(room: RoomSummary): string {
  let name = foldedNames.get(room);
  if (name === undefined) {
    name = fold(room.name);
    foldedNames.set(room, name);
  }
  return name;
}

/** True if every word of `query` occurs in the conversation's name. */
function matches(room: RoomSummary, words: readonly string[]): boolean {
  return words.every((word) => foldedName(room).includes(word));
}

function passes(room: RoomSummary, filter: RoomFilter, open: RoomId | null): boolean {
  switch (filter) {
    case "all":
      return true;
    case "unread":
      // Reading a conversation must not make it vanish under the reader's eyes.
      return room.unread > 0 || room.roomId === open;
    case "people":
      return room.partner !== null;
    case "groups":
      return room.partner === null;
  }
}

/** The conversations to show, in the order given. `open` is the one that is being read. */
export function filterRooms(
  rooms: readonly RoomSummary[],
  filter: RoomFilter,
  query: string,
  open: RoomId | null,
): readonly RoomSummary[] {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (filter === "all" && words.length === 0) return rooms;
  return rooms.filter((room) => passes(room, filter, open) && matches(room, words));
}

/** The conversation `step` places after the open one; the first (or last) one if none is open; null at either end. */
export function neighbour(rooms: readonly RoomSummary[], open: RoomId | null, step: 1 | -1): RoomId | null {
  const index = rooms.findIndex((room) => room.roomId === open);
  const next = index < 0 ? (step > 0 ? 0 : rooms.length - 1) : index + step;
  return rooms[next]?.roomId ?? null;
}
