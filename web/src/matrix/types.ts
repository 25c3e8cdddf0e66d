/**
 * Plain, serialisable snapshots: all that the interface ever sees of Matrix.
 * This file has types only; importing it loads nothing.
 */
import type { FailureInfo } from "./errors";

export type { FailureInfo, FailureKind } from "./errors";
export type { Observable } from "./observable";

/** A Matrix user id. Never shown to people, except in the developer's panel. */
export type UserId = string;
/** A Matrix room id. Never shown to people. */
export type RoomId = string;
/** An `mxc://` address. */
export type Mxc = string;

/** What a signed-in browser keeps to resume its session. */
export interface Credentials {
  /** Base URL of the client API, without a trailing slash. */
  readonly baseUrl: string;
  readonly userId: UserId;
  readonly deviceId: string;
  readonly accessToken: string;
  /** Present only if the server gave one unasked. */
  readonly refreshToken?: string;
}

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

// ---------------------------------------------------------------- session

/** The link to the server. */
export interface ConnectionState {
  readonly status: /** First contact since this page was loaded. */
    | "connecting"
    | "online"
    /** The last exchange failed; trying again by itself. */
    | "reconnecting"
    /** The browser says that there is no network. */
    | "offline";
  /** True once one exchange has succeeded (lists are then up to date or older only by the gap). */
  readonly caughtUp: boolean;
}

/** What this device may read, and what the person must do first. */
export type SecurityState =
  /** Not known yet: asking the server. */
  | { readonly status: "checking" }
  /** Could not ask; `retry()` on the security actions. */
  | { readonly status: "failed"; readonly failure: FailureInfo }
  /** A new account: the first-run screen must run `setUp()`. Nobody gives keys to this device until then. */
  | { readonly status: "needs-setup" }
  /** A new device of an existing account: unlock with the code, by another device, or reset. */
  | {
      readonly status: "needs-recovery";
      /** Another confirmed device exists, so verification by emoji can work. */
      readonly otherDevice: boolean;
      /** A recovery code exists on the account. */
      readonly recoveryCode: boolean;
    }
  /** Confirmed by its owner. */
  | {
      readonly status: "ready";
      /** New messages' keys are being saved to the encrypted backup. */
      readonly backup: boolean;
      /** A recovery code exists on the account; if false, offer to make one. */
      readonly recoveryCode: boolean;
    };

/** Restoring the history after a recovery. */
export type RestoreProgress =
  | { readonly status: "idle" }
  | { readonly status: "fetching" }
  | {
      readonly status: "restoring";
      /** Keys read so far. */
      readonly done: number;
      /** Keys in all. */
      readonly total: number;
    }
  | { readonly status: "done"; readonly total: number }
  | { readonly status: "failed"; readonly failure: FailureInfo };

/** Languages that recovery codes exist in. */
export type RecoveryLanguage = "fr" | "en";

/** What a sign-out on this browser would lose. All false/zero: nothing. */
export interface SignOutLoss {
  /** Messages not yet sent, or failed. */
  readonly unsentMessages: number;
  /** Message keys that are in no backup: those messages would be unreadable elsewhere. */
  readonly keysNotSaved: number;
  /** True if there is no way back to the history: no backup or no recovery code. */
  readonly noRecovery: boolean;
  /** True if this is the only confirmed device of the account. */
  readonly lastDevice: boolean;
}

/** The person who is signed in. */
export interface OwnProfile extends Person {
  readonly deviceId: string;
}

// ---------------------------------------------------------------- rooms

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

// ---------------------------------------------------------------- timeline

/** A change of somebody's membership. */
export type MembershipChange =
  | "joined"
  | "left"
  | "invited"
  | "invite-declined"
  | "invite-withdrawn"
  | "removed"
  | "banned"
  | "unbanned"
  | "renamed"
  | "avatar-changed";

/** A file as it lies on the server: encrypted (always, for messages) or clear (avatars). */
export type MediaSource =
  | { readonly kind: "encrypted"; readonly file: EncryptedFile; readonly mimeType: string }
  | {
      readonly kind: "clear";
      readonly mxc: Mxc;
      /** Asks for a thumbnail of at least this size in CSS pixels × device ratio. */
      readonly thumbnail: { readonly width: number; readonly height: number } | null;
    }
  /** A file of this browser, not sent yet. */
  | { readonly kind: "local"; readonly url: string };

/** `EncryptedFile` of the Matrix specification, version v2. */
export interface EncryptedFile {
  readonly url: Mxc;
  readonly key: {
    readonly kty: "oct";
    readonly alg: "A256CTR";
    readonly ext: true;
    /** Unpadded base64url, 32 bytes. */
    readonly k: string;
    readonly key_ops: readonly string[];
  };
  /** Unpadded base64, 16 bytes. */
  readonly iv: string;
  readonly hashes: { readonly sha256: string };
  readonly v: "v2";
}

/** A file in a message. */
export interface FileBody {
  readonly kind: "image" | "video" | "audio" | "file";
  readonly name: string;
  /** Text beside the file, if any. */
  readonly caption: string | null;
  readonly mimeType: string;
  /** Bytes, as said by the sender; null if not said. */
  readonly size: number | null;
  readonly source: MediaSource;
  /** Pixels, for pictures and films. */
  readonly width: number | null;
  readonly height: number | null;
  readonly thumbnail: {
    readonly source: MediaSource;
    readonly width: number | null;
    readonly height: number | null;
  } | null;
  /** `xyz.amorgan.blurhash`. */
  readonly blurhash: string | null;
}

/** Why a message cannot be read. */
export type UnreadableReason =
  /** Its key has not arrived yet; it may. */
  | "waiting"
  /** Sent before I joined, or before this device existed and not in the backup. */
  | "before-me"
  /** This device is not confirmed, so the sender gave it no key. */
  | "withheld-unconfirmed"
  /** The sender refused the key to this device. */
  | "withheld"
  /** The history is in the backup, which this device cannot open yet. */
  | "backup-locked"
  | "unknown";

/** Why a message that can be read is not shown as its sender's. */
export type UntrustedReason =
  /** The sending device is unknown or was deleted. */
  | "unknown-device"
  /** The sending device is not signed by its owner. */
  | "unsigned-device"
  /** The message says another sender than the owner of its key. */
  | "mismatched-sender"
  /** The sender's verified identity changed. */
  | "identity-changed"
  /** It arrived in clear in an encrypted conversation. */
  | "sent-in-clear";

/** What an item says. */
export type ItemBody =
  | {
      readonly kind: "text";
      readonly text: string;
      /** `m.emote`: written in the third person. */
      readonly emote: boolean;
      /** `m.notice`: written by a robot. */
      readonly notice: boolean;
    }
  | FileBody
  | { readonly kind: "membership"; readonly change: MembershipChange; readonly target: Person; readonly reason: string | null }
  | { readonly kind: "created" }
  | { readonly kind: "encryption-on" }
  | { readonly kind: "renamed"; readonly name: string }
  | { readonly kind: "topic"; readonly topic: string }
  | { readonly kind: "avatar" }
  | { readonly kind: "redacted"; readonly by: Person | null }
  | { readonly kind: "unreadable"; readonly reason: UnreadableReason }
  /** Show a placeholder: never the content. */
  | { readonly kind: "untrusted"; readonly reason: UntrustedReason }
  /** A type this client does not know. */
  | { readonly kind: "unsupported"; readonly type: string };

/** How far an item of mine has got. Others' items are always `sent`. */
export type SendState =
  | { readonly status: "sent" }
  | { readonly status: "preparing" }
  | { readonly status: "uploading"; readonly loaded: number; readonly total: number }
  | { readonly status: "sending" }
  | { readonly status: "failed"; readonly failure: FailureInfo };

/** One entry of a timeline. */
export interface TimelineItem {
  /** Stable for the item's whole life, also from "sending" to "sent": use it as React key. */
  readonly key: string;
  /** Null until the server has given one. */
  readonly eventId: string | null;
  readonly sender: Person;
  readonly mine: boolean;
  /** Milliseconds since 1970, as said by the server. */
  readonly ts: number;
  readonly body: ItemBody;
  /**
   * True if the key of this message came from the backup, so that the encryption alone does not
   * prove who sent it. Usual for history on a recovered device; no alarm.
   */
  readonly unproven: boolean;
  readonly send: SendState;
  /** People (not me, not the sender) whose last read message is this one, latest first. */
  readonly readBy: readonly Person[];
  /** Event ids that this one answers or belongs to. */
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  readonly edited: boolean;
  /** I may remove it for everyone. */
  readonly canRedact: boolean;
}

/** Loading of older messages. */
export type PaginationState =
  | { readonly status: "idle" }
  | { readonly status: "loading" }
  /** The beginning of what I may see. */
  | { readonly status: "end" }
  | { readonly status: "failed"; readonly failure: FailureInfo };

/** A room's timeline, oldest first. */
export interface TimelineState {
  readonly roomId: RoomId;
  /** Unchanged items keep their reference. */
  readonly items: readonly TimelineItem[];
  readonly backwards: PaginationState;
  /** Place the "new messages" line after this event; null if there is none. */
  readonly fullyRead: string | null;
}

// ---------------------------------------------------------------- media

/** A file being fetched for display. */
export type MediaState =
  | { readonly status: "loading" }
  /** `url` is a `blob:` address, valid until the handle is released. */
  | { readonly status: "ready"; readonly url: string }
  | { readonly status: "failed"; readonly failure: FailureInfo };

// ---------------------------------------------------------------- people

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

// ---------------------------------------------------------------- verification

/** One emoji of the seven. */
export interface SasEmoji {
  readonly emoji: string;
  /** Index 0-63 in the specification's table: use it as the key of the translated name. */
  readonly index: number;
  /** English name of the specification, e.g. `Dog`. */
  readonly name: string;
}

/** Why a verification ended without success. */
export type VerificationCancelReason =
  | "by-me"
  | "by-other"
  /** The other side said that the emojis differ, or I did. */
  | "mismatch"
  | "timeout"
  /** Answered on another of my devices. */
  | "elsewhere"
  /** The keys do not match: possible attack. */
  | "key-mismatch"
  /** The other device has no way in common with this one. */
  | "no-common-method"
  | "error";

/** A verification under way or just ended. */
export interface VerificationFlow {
  /** Names the flow in actions. */
  readonly id: string;
  readonly other: Person;
  /** Between two of my own devices. */
  readonly self: boolean;
  /** The other device, if between my own and known. */
  readonly deviceName: string | null;
  /** I asked; else the other did. */
  readonly startedByMe: boolean;
  readonly step: /** Asked, not answered. If not `startedByMe`: show accept / decline. */
    | { readonly status: "requested" }
    /** Accepted; exchanging keys. */
    | { readonly status: "ready" }
    /** Show the emojis: they match / they don't. */
    | { readonly status: "comparing"; readonly emojis: readonly SasEmoji[] }
    /** I said they match; the other has not yet. */
    | { readonly status: "confirming"; readonly emojis: readonly SasEmoji[] }
    | { readonly status: "done" }
    | { readonly status: "cancelled"; readonly reason: VerificationCancelReason };
}

// ---------------------------------------------------------------- devices

/** One of my signed-in devices. */
export interface Device {
  readonly deviceId: string;
  /** Null if it never got a name. */
  readonly name: string | null;
  /** Milliseconds since 1970. */
  readonly lastSeen: number | null;
  readonly lastSeenIp: string | null;
  readonly current: boolean;
  /** Signed by me: gets keys. */
  readonly verified: boolean;
}

/** My devices. */
export type DevicesState =
  | { readonly status: "loading" }
  | { readonly status: "failed"; readonly failure: FailureInfo }
  /** This device first, then by last use. */
  | { readonly status: "ready"; readonly devices: readonly Device[] };

// ---------------------------------------------------------------- notifications

/** A new message that should be told, already decrypted. */
export interface MessageNotification {
  readonly roomId: RoomId;
  readonly roomName: string;
  readonly eventId: string;
  readonly sender: Person;
  readonly direct: boolean;
  /** Names me, or asks for a sound. */
  readonly highlight: boolean;
  readonly sound: boolean;
  /** Null for what has no text: say "a picture", "a file", "an invitation" from `kind`. */
  readonly text: string | null;
  readonly kind: "text" | "image" | "video" | "audio" | "file" | "invite";
  readonly ts: number;
}
