/** A conversation's timeline. Types only. */
import type { FailureInfo } from "../errors";
import type { ItemBody } from "./bodies";
import type { Person, RoomId } from "./people";

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
