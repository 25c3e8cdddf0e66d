import type { MatrixClient, Room } from "matrix-js-sdk";
import type { Mxc, Person, UserId } from "../types";

/** The part of a user id before the server, for people without a name. */
export function localPart(userId: UserId): string {
  const colon = userId.indexOf(":");
  return userId.slice(userId.startsWith("@") ? 1 : 0, colon === -1 ? undefined : colon) || userId;
}

/** A displayable name: trimmed, bounded, without characters that turn or hide text. */
export function cleanName(name: string | null | undefined, userId: UserId): string {
  const clean = (name ?? "")
    .replace(/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "")
    .trim()
    .slice(0, 120);
  return clean === "" ? localPart(userId) : clean;
}

/** The address if it is an `mxc://` one, else null. */
export function mxcOrNull(value: unknown): Mxc | null {
  return typeof value === "string" && /^mxc:\/\/[^/?#]+\/[\w.~-]+$/.test(value) ? value : null;
}

/** Gives the same `Person` object for as long as nothing about the person changed. */
export class PersonCache {
  readonly #client: MatrixClient;
  readonly #people = new Map<string, Person>();

  constructor(client: MatrixClient) {
    this.#client = client;
  }

  /** A person as a room's member (names may differ from room to room). */
  inRoom(room: Room, userId: UserId): Person {
    const member = room.getMember(userId);
    const user = member === null ? this.#client.getUser(userId) : null;
    const name = member?.rawDisplayName ?? user?.displayName;
    const named = name === userId ? null : name;
    return this.#intern(`${room.roomId}|${userId}`, userId, named, member?.getMxcAvatarUrl() ?? user?.avatarUrl);
  }

  /** A person outside of any room. */
  of(userId: UserId, displayName: string | null | undefined, avatar: string | null | undefined): Person {
    return this.#intern(userId, userId, displayName, avatar);
  }

  #intern(key: string, userId: UserId, name: string | null | undefined, avatar: string | null | undefined): Person {
    const displayName = cleanName(name, userId);
    const mxc = mxcOrNull(avatar);
    const known = this.#people.get(key);
    if (known?.displayName === displayName && known.avatar === mxc) return known;
    const person: Person = { userId, displayName, avatar: mxc };
    this.#people.set(key, person);
    return person;
  }
}
