/**
 * The guard's rules as pure functions over plain data. Nothing here knows the
 * SDK; what these functions refuse, no server can talk the client into.
 */
import type { FailureKind } from "../errors";
import type { UnreadableReason, UntrustedReason } from "../types";

// ------------------------------------------------------------ encryption latch

/** The only algorithm that messages are encrypted with. */
export const MEGOLM = "m.megolm.v1.aes-sha2";
/** Default of the specification: a session is used for at most a week. Longer is weaker. */
export const MAX_ROTATION_MS = 604_800_000;
/** Default of the specification: a session is used for at most 100 messages. More is weaker. */
export const MAX_ROTATION_MESSAGES = 100;

/** What is remembered of a room's `m.room.encryption`, the strictest ever seen. */
export interface LatchedEncryption {
  readonly algorithm: string;
  readonly rotationMs: number;
  readonly rotationMessages: number;
}

/** Whether a room's encryption lets messages leave. */
export type EncryptionVerdict =
  | { readonly allowed: true; readonly latch: LatchedEncryption }
  | { readonly allowed: false; readonly kind: Extract<FailureKind, "not-encrypted" | "encryption-weakened"> };

/**
 * Judges a room's `m.room.encryption` content (null: the server shows none) against what was
 * remembered of that room (null: never seen encrypted).
 */
export function judgeEncryption(
  content: Readonly<Record<string, unknown>> | null,
  remembered: LatchedEncryption | null,
): EncryptionVerdict {
  // No encryption: nothing is ever sent, whether the room was encrypted before or not.
  if (content === null) return { allowed: false, kind: "not-encrypted" };
  // An algorithm that this client does not know may be none at all.
  if (content["algorithm"] !== MEGOLM) return { allowed: false, kind: "encryption-weakened" };

  const rotationMs = rotation(content["rotation_period_ms"], MAX_ROTATION_MS);
  const rotationMessages = rotation(content["rotation_period_msgs"], MAX_ROTATION_MESSAGES);
  // Keeping a key for longer or for more messages than the default, or a value that is no positive
  // integer, is a weakening.
  if (rotationMs === null || rotationMessages === null) return { allowed: false, kind: "encryption-weakened" };
  // Laxer than what this room once had: somebody rewrote its settings.
  if (remembered !== null && (rotationMs > remembered.rotationMs || rotationMessages > remembered.rotationMessages)) {
    return { allowed: false, kind: "encryption-weakened" };
  }
  return { allowed: true, latch: { algorithm: MEGOLM, rotationMs, rotationMessages } };
}

/** The effective value; the default if absent; null if weaker than the default or not a positive integer. */
function rotation(value: unknown, weakest: number): number | null {
  if (value === undefined) return weakest;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value <= 0 || value > weakest) return null;
  return value;
}

// ------------------------------------------------------------ events in clear

/** Types that may leave in clear: they carry no text of a person. */
const CLEAR_TYPES: ReadonlySet<string> = new Set(["m.room.encrypted", "m.reaction", "m.room.redaction"]);

/** Steps of a verification in a conversation; they carry public keys and hashes only. */
const VERIFICATION_TYPES: ReadonlySet<string> = new Set([
  "m.key.verification.ready",
  "m.key.verification.start",
  "m.key.verification.accept",
  "m.key.verification.key",
  "m.key.verification.mac",
  "m.key.verification.done",
  "m.key.verification.cancel",
]);

/**
 * Whether a room event may be given to the server as it is (`PUT …/send/{type}`).
 * `content` is the body of the request, parsed; null if it is no object.
 */
export function mayLeaveInClear(type: string, content: Readonly<Record<string, unknown>> | null): boolean {
  if (content === null) return false;
  // An encrypted event with the plaintext beside it is a leak, not an encrypted event.
  if (type === "m.room.encrypted") {
    return content["algorithm"] === MEGOLM && typeof content["ciphertext"] === "string" && content["body"] === undefined;
  }
  // The request of a verification is a message by type; its text is fixed and says nothing.
  if (type === "m.room.message") return content["msgtype"] === "m.key.verification.request";
  // The reason of a removal would be text in clear.
  if (type === "m.room.redaction") return content["reason"] === undefined;
  return CLEAR_TYPES.has(type) || VERIFICATION_TYPES.has(type);
}

/** A request to the client-server API, as far as the guard looks at it. */
export interface WireRequest {
  readonly method: string;
  /** Path without query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Body if it is text, else null. */
  readonly body: string | null;
}

const SEND_PATH = /^\/_matrix\/client\/[^/]+(?:\/[^/]+)*?\/rooms\/[^/]+\/send\/([^/]+)\/[^/]+$/;
const STATE_PATH = /^\/_matrix\/client\/[^/]+(?:\/[^/]+)*?\/rooms\/[^/]+\/state\/([^/]+)(?:\/[^/]*)?$/;
const CREATE_PATH = /^\/_matrix\/client\/[^/]+(?:\/[^/]+)*?\/createRoom$/;
const UPLOAD_PATH = /^\/_matrix\/(?:media|client)\/[^/]+(?:\/[^/]+)*?\/upload(?:\/|$)/;

/** Why a request must not leave this browser; null if it may. */
export function judgeRequest(request: WireRequest): FailureKind | null {
  if (request.method === "GET") return null;
  const path = request.path.replace(/\/{2,}/g, "/");

  const sent = SEND_PATH.exec(path);
  if (sent !== null) return mayLeaveInClear(decode(sent[1]), parse(request.body)) ? null : "clear-event-refused";

  // A change of a room's encryption must not weaken it.
  const state = STATE_PATH.exec(path);
  if (state !== null && decode(state[1]) === "m.room.encryption") {
    return judgeEncryption(parse(request.body), null).allowed ? null : "encryption-weakened";
  }

  // Every room that this client creates is encrypted from its first event.
  if (CREATE_PATH.test(path)) return createsEncryptedRoom(parse(request.body)) ? null : "not-encrypted";

  // A file's name is said in its encrypted message only.
  if (UPLOAD_PATH.test(path) && request.query.has("filename")) return "clear-event-refused";
  return null;
}

function createsEncryptedRoom(body: Readonly<Record<string, unknown>> | null): boolean {
  const initial = body?.["initial_state"];
  if (!Array.isArray(initial)) return false;
  const encryption = initial.filter(
    (event: unknown) => typeof event === "object" && event !== null && (event as { type?: unknown }).type === "m.room.encryption",
  ) as { content?: unknown }[];
  return encryption.length > 0 && encryption.every((event) => judgeEncryption(asObject(event.content), null).allowed);
}

function decode(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? "");
  } catch {
    // Not valid percent-encoding: a type that is on no list.
    return "";
  }
}

function parse(body: string | null): Readonly<Record<string, unknown>> | null {
  if (body === null) return null;
  try {
    return asObject(JSON.parse(body));
  } catch {
    return null;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

// ------------------------------------------------------------ identity gate

/** What the cryptography says of a person's identity. */
export interface IdentityStatus {
  readonly userId: string;
  /** The identity differs from the one first seen, and nobody looked. */
  readonly needsApproval: boolean;
  /** Compared by emoji, with the present identity. */
  readonly verified: boolean;
  /** Was compared by emoji, with this or a former identity. */
  readonly wasVerified: boolean;
}

/** True if nothing may be sent to this person until somebody looked. */
export function blocksSending(status: IdentityStatus): boolean {
  return status.needsApproval || (status.wasVerified && !status.verified);
}

/** The people because of whom sending is suspended, in the given order. */
export function blockingPeople(statuses: Iterable<IdentityStatus>): readonly IdentityStatus[] {
  return [...statuses].filter(blocksSending);
}

// ------------------------------------------------------------ received events

/** Why decryption failed, by the SDK's `DecryptionFailureCode`. */
export function unreadableOrUntrusted(
  code: string | null,
): { readonly unreadable: UnreadableReason } | { readonly untrusted: UntrustedReason } {
  switch (code) {
    case "MEGOLM_UNKNOWN_INBOUND_SESSION_ID":
    case "OLM_UNKNOWN_MESSAGE_INDEX":
    case "HISTORICAL_MESSAGE_WORKING_BACKUP":
      return { unreadable: "waiting" };
    case "HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED":
      return { unreadable: "backup-locked" };
    case "HISTORICAL_MESSAGE_NO_KEY_BACKUP":
    case "HISTORICAL_MESSAGE_USER_NOT_JOINED":
      return { unreadable: "before-me" };
    case "MEGOLM_KEY_WITHHELD":
      return { unreadable: "withheld" };
    case "MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE":
      return { unreadable: "withheld-unconfirmed" };
    case "SENDER_IDENTITY_PREVIOUSLY_VERIFIED":
      return { untrusted: "identity-changed" };
    case "UNSIGNED_SENDER_DEVICE":
      return { untrusted: "unsigned-device" };
    case "UNKNOWN_SENDER_DEVICE":
      return { untrusted: "unknown-device" };
    default:
      return { unreadable: "unknown" };
  }
}

/** The SDK's `EventShieldReason` by name, null for no shield. */
export type ShieldName =
  | "UNKNOWN"
  | "UNVERIFIED_IDENTITY"
  | "UNSIGNED_DEVICE"
  | "UNKNOWN_DEVICE"
  | "AUTHENTICITY_NOT_GUARANTEED"
  | "MISMATCHED_SENDER_KEY"
  | "SENT_IN_CLEAR"
  | "VERIFICATION_VIOLATION"
  | "MISMATCHED_SENDER";

/** What a decrypted event's shield means for its display. */
export interface ShieldVerdict {
  /** Not to be shown as its sender's. */
  readonly untrusted: UntrustedReason | null;
  /** Shown, but the encryption alone does not prove the sender (key from the backup). */
  readonly unproven: boolean;
}

/** Judges a shield; anything unknown and red counts as not authored. */
export function judgeShield(reason: ShieldName | null, red: boolean): ShieldVerdict {
  switch (reason) {
    case "UNSIGNED_DEVICE":
      return { untrusted: "unsigned-device", unproven: false };
    case "UNKNOWN_DEVICE":
      return { untrusted: "unknown-device", unproven: false };
    case "MISMATCHED_SENDER":
    case "MISMATCHED_SENDER_KEY":
      return { untrusted: "mismatched-sender", unproven: false };
    case "VERIFICATION_VIOLATION":
      return { untrusted: "identity-changed", unproven: false };
    case "SENT_IN_CLEAR":
      return { untrusted: "sent-in-clear", unproven: false };
    // A key from the backup proves nothing of the sender, but it is all that a recovered device has.
    case "AUTHENTICITY_NOT_GUARANTEED":
      return { untrusted: null, unproven: true };
    // Nobody compared emojis: the everyday case of first trust.
    case "UNVERIFIED_IDENTITY":
    case null:
      return { untrusted: red ? "unknown-device" : null, unproven: false };
    default:
      return { untrusted: "unknown-device", unproven: false };
  }
}

/** Whether an event type carries what people say, so that it must not be shown when it arrives in clear. */
export function mustBeEncrypted(type: string): boolean {
  return (
    type === "m.room.message" || type === "m.sticker" || type.startsWith("m.poll.") || type === "org.matrix.msc3381.poll.start"
  );
}
