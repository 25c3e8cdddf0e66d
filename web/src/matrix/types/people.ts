/** People, and the ids that they and their conversations go by. Types only. */
/** A Matrix user id. Never shown to people, except in the developer's panel. */
export type UserId = string;
/** A Matrix room id. Never shown to people. */
export type RoomId = string;
/** An `mxc://` address. */
export type Mxc = string;

/** Somebody, as shown beside a message or in a list. */
export interface Person {
  readonly userId: UserId;
  /** Never empty: falls back to the local part of the user id. */
  readonly displayName: string;
  readonly avatar: Mxc | null;
}

/** What is known of the identity of another person. */
export type PersonTrust =
  /** Compared by emoji, and unchanged since. */
  | "verified"
  /** Seen before and unchanged; never compared. */
  | "known"
  /** The identity changed since it was first seen or compared: sending is suspended. */
  | "changed"
  /** The person has not set up a secure identity yet: they get no keys. */
  | "none";

/** A hit in the directory. */
export type FoundPerson = Person;

/** Result of a search. */
export interface PeopleSearchResult {
  readonly people: readonly FoundPerson[];
  /** More matched than the server sends: ask for a longer name. */
  readonly limited: boolean;
}

/** A person's page. */
export interface PersonDetails extends Person {
  readonly trust: PersonTrust;
  /** Existing direct conversation, if any. */
  readonly directRoomId: RoomId | null;
}
