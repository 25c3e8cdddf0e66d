/** What an item of a timeline says, or why it is not shown. Types only. */
import type { FileBody } from "./media";
import type { Person } from "./people";

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
