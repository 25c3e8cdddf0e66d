import type { RoomId } from "../matrix/types";

/** A file that waits in the composer. */
export interface Attachment {
  /** Names it among its like in this page. */
  readonly id: number;
  readonly file: File;
  /** A `blob:` address to show a picture by; null for what is not one. */
  readonly previewUrl: string | null;
}

/** What a person has begun to write in one conversation. */
export interface Draft {
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

/** Nothing begun. */
export const EMPTY_DRAFT: Draft = { text: "", attachments: [] };

/**
 * What a person has begun to write, by conversation, as long as the page lives.
 * In memory alone: nothing unsent is ever written to a disk in clear.
 */
export class Drafts {
  readonly #drafts = new Map<RoomId, Draft>();
  #lastAttachment = 0;

  /** What was begun in a conversation; {@link EMPTY_DRAFT} for nothing. */
  get(roomId: RoomId): Draft {
    return this.#drafts.get(roomId) ?? EMPTY_DRAFT;
  }

  /** Keeps `draft`; an empty one is forgotten. */
  set(roomId: RoomId, draft: Draft): void {
    if (draft.text === "" && draft.attachments.length === 0) this.#drafts.delete(roomId);
    else this.#drafts.set(roomId, draft);
  }

  /** An attachment's {@link Attachment.id}, never given before. */
  nextAttachmentId(): number {
    this.#lastAttachment += 1;
    return this.#lastAttachment;
  }

  /** Forgets everything; `release` gives back the pictures' addresses. */
  clear(release: (url: string) => void): void {
    for (const draft of this.#drafts.values()) {
      for (const { previewUrl } of draft.attachments) if (previewUrl) release(previewUrl);
    }
    this.#drafts.clear();
  }
}
