/** Comparing emojis. Types only. */
import type { Person } from "./people";

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
