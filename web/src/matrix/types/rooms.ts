/** Conversations: the list, the details, and whether a message may leave. Types only. */
import type { MembershipChange } from "./bodies";
import type { Mxc, Person, PersonTrust, RoomId } from "./people";

/** Last thing said in a conversation, for the list. */
export interface RoomPreview {
  readonly sender: Person;
  readonly mine: boolean;
  readonly ts: number;
  readonly content:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "image" | "video" | "audio" | "file"; readonly name: string }
    /** Removed by its author or a moderator. */
    | { readonly kind: "redacted" }
    /** Not readable (yet), or not surely by its sender. */
    | { readonly kind: "unreadable" }
    | { readonly kind: "membership"; readonly change: MembershipChange; readonly target: Person }
    | { readonly kind: "created" };
  /** State of my own last message. */
  readonly sendStatus: "sending" | "sent" | "failed" | null;
}

/** One row of the conversation list. */
export interface RoomSummary {
  readonly roomId: RoomId;
  /** Never empty. */
  readonly name: string;
  readonly avatar: Mxc | null;
  /** The other person, if this is a direct conversation of two. */
  readonly partner: Person | null;
  readonly membership: "join" | "invite";
  /** Who invited me, if `membership` is `invite`. */
  readonly inviter: Person | null;
  readonly encrypted: boolean;
  /** Joined and invited people, me included. */
  readonly memberCount: number;
  readonly preview: RoomPreview | null;
  /** Messages that would notify. */
  readonly unread: number;
  /** Of those, the ones that name me. */
  readonly highlights: number;
  /** Time of the last message in milliseconds; the list is sorted by it, newest first. */
  readonly lastActivity: number;
  /** Display names of others who are typing now. */
  readonly typing: readonly string[];
  /** Sending is suspended, see {@link SendGate}. */
  readonly suspended: boolean;
}

/** The whole list. */
export interface RoomListState {
  /** True until the first answer of the server or the local cache: show a skeleton. */
  readonly loading: boolean;
  /** Invitations first, then by last activity, newest first. Unchanged rows keep their reference. */
  readonly rooms: readonly RoomSummary[];
  /** Sum over the list, for the tab's title. */
  readonly unread: number;
  readonly highlights: number;
}

/** Whether a message may leave for this room, and if not, why. */
export type SendGate =
  | { readonly state: "open" }
  /** Asking for the members' identities. Sending is possible: it will be checked again. */
  | { readonly state: "checking" }
  /** Somebody's identity changed: show the card with `approveIdentity` / `verify`. */
  | {
      readonly state: "suspended";
      readonly reason: "identity-changed";
      readonly people: readonly SuspendedPerson[];
    }
  /** No message may be sent here: not encrypted, or encryption that is too weak or unknown. */
  | {
      readonly state: "suspended";
      readonly reason: "not-encrypted" | "encryption-weakened" | "device-not-confirmed";
      readonly people: readonly [];
    }
  /** I may not speak here (power level), or I am no longer a member. */
  | { readonly state: "closed"; readonly reason: "no-permission" | "left" };

/** Somebody because of whom sending is suspended. */
export interface SuspendedPerson extends Person {
  /** True if this person had been verified by emoji: the change is then graver. */
  readonly wasVerified: boolean;
}

/** A member of a room. */
export interface Member extends Person {
  readonly membership: "join" | "invite";
  readonly role: "owner" | "moderator" | "member";
  readonly me: boolean;
  /** Null for me, and until known. */
  readonly trust: PersonTrust | null;
}

/** What the details panel shows. */
export interface RoomDetails {
  readonly roomId: RoomId;
  readonly name: string;
  readonly topic: string | null;
  readonly avatar: Mxc | null;
  readonly partner: Person | null;
  readonly encrypted: boolean;
  readonly memberCount: number;
  /** Sorted by role, then name. Complete only when `membersLoaded`. */
  readonly members: readonly Member[];
  readonly membersLoaded: boolean;
  readonly gate: SendGate;
  readonly can: {
    readonly send: boolean;
    readonly invite: boolean;
    readonly rename: boolean;
    readonly remove: boolean;
  };
  /** Names of the others who are typing now. */
  readonly typing: readonly string[];
}
