/** What is told outside the page. Types only. */
import type { Person, RoomId } from "./people";

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
