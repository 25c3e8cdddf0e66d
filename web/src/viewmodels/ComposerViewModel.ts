import type { MediaActions, Timeline } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Observable } from "../matrix/observable";
import type { RoomDetails, RoomId, SendGate } from "../matrix/types";
import { type Attachment, type Draft, type Drafts, EMPTY_DRAFT } from "./Drafts";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** Files that may wait in the composer at once. */
export const MOST_ATTACHMENTS = 20;

/** Longest text of one message in UTF-8 bytes: an encrypted event must stay under the 65,535 bytes that rooms allow. */
export const LONGEST_TEXT_BYTES = 40_000;

/** Why a file was not taken. */
export interface RefusedFile {
  readonly name: string;
  readonly reason:
    | { readonly kind: "too-large"; readonly limit: number }
    /** Nothing in it: a folder, or a file that could not be read. */
    | { readonly kind: "empty" }
    | { readonly kind: "too-many"; readonly most: number };
}

/** What the composer shows. */
export interface ComposerSnapshot {
  readonly text: string;
  readonly attachments: readonly Attachment[];
  /** Whether sending is possible here, and if not, why. */
  readonly gate: SendGate;
  /** Something is there to be sent, and it may leave. */
  readonly canSend: boolean;
  /** The text is longer than one message can hold. */
  readonly tooLong: boolean;
  /** Files that were just refused, until the person goes on. */
  readonly refused: readonly RefusedFile[];
  /** The last sending that did not leave this device. */
  readonly failure: FailureInfo | null;
}

/** What the composer needs. */
export interface ComposerOptions {
  readonly roomId: RoomId;
  readonly timeline: Timeline;
  readonly details: Observable<RoomDetails | null>;
  readonly media: MediaActions;
  readonly drafts: Drafts;
  readonly environment: Environment;
}

const PICTURE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);
const CLOSED_UNTIL_KNOWN: SendGate = { state: "checking" };
const utf8 = new TextEncoder();

/** What a person writes and attaches in one conversation. */
export class ComposerViewModel extends ViewModel<ComposerSnapshot> {
  readonly #options: ComposerOptions;
  #typing = false;

  constructor(options: ComposerOptions) {
    const draft = options.drafts.get(options.roomId);
    super({
      ...draft,
      gate: CLOSED_UNTIL_KNOWN,
      canSend: false,
      tooLong: false,
      refused: [],
      failure: null,
    });
    this.#options = options;
    this.own(options.details.subscribe(() => this.#readGate()));
    this.own(() => this.#setTyping(false));
    this.#readGate();
    this.#write(draft);
  }

  /** The person changed the text. */
  setText(text: string): void {
    if (text === this.getSnapshot().text) return;
    this.#write({ text, attachments: this.getSnapshot().attachments });
    this.#setTyping(text.trim() !== "");
  }

  /** The person left the composer. */
  leave(): void {
    this.#setTyping(false);
  }

  /** Takes pasted, dropped or chosen files, as far as the server and the composer can hold them. */
  async addFiles(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    this.patch({ refused: [], failure: null });
    let limit: number | null = null;
    try {
      limit = await this.#options.media.uploadLimit();
    } catch {
      // Not knowing the limit is no reason to refuse: the server says it again at the upload.
    }
    if (this.disposed) return;
    const { attachments, text } = this.getSnapshot();
    const taken: Attachment[] = [];
    const refused: RefusedFile[] = [];
    for (const file of files) {
      const reason = refusal(file, limit, attachments.length + taken.length);
      if (reason) refused.push({ name: file.name, reason });
      else taken.push(this.#attachment(file));
    }
    this.#write({ text, attachments: [...attachments, ...taken] });
    this.patch({ refused });
  }

  /** Takes a file out again. */
  removeAttachment(id: number): void {
    const { attachments, text } = this.getSnapshot();
    const removed = attachments.find((attachment) => attachment.id === id);
    if (removed) this.#release([removed]);
    this.#write({ text, attachments: attachments.filter((attachment) => attachment !== removed) });
  }

  /** The person has read which files were refused, or that the message did not leave. */
  dismissNotice(): void {
    this.patch({ refused: [], failure: null });
  }

  /**
   * Sends what is there. One picture or file takes the text as its caption; several go before the text.
   * The composer is free at once; what does not leave this device comes back into it.
   */
  async send(): Promise<void> {
    const { canSend, text, attachments } = this.getSnapshot();
    if (!canSend) return;
    const { timeline } = this.#options;
    const message = text.trim();
    this.#write(EMPTY_DRAFT);
    this.#setTyping(false);
    this.patch({ refused: [], failure: null });

    let unsent: Draft = { text, attachments };
    try {
      if (attachments.length > 0) {
        const caption = attachments.length === 1 && message !== "" ? { caption: message } : {};
        await timeline.sendFiles(attachments.map(({ file }) => ({ blob: file, name: file.name, ...caption })));
        this.#release(attachments);
        unsent = { text, attachments: [] };
      }
      if (message !== "" && attachments.length !== 1) await timeline.sendText(message);
    } catch (error) {
      this.#takeBack(unsent);
      this.patch({ failure: toFailure(error).info });
    }
  }

  #takeBack(unsent: Draft): void {
    const { drafts, roomId } = this.#options;
    const present = drafts.get(roomId);
    const text = present.text === "" ? unsent.text : `${unsent.text}\n${present.text}`;
    this.#write({ text, attachments: [...unsent.attachments, ...present.attachments] });
  }

  #attachment(file: File): Attachment {
    const { drafts, environment } = this.#options;
    const previewUrl = PICTURE_TYPES.has(file.type) ? environment.createUrl(file) : null;
    return { id: drafts.nextAttachmentId(), file, previewUrl };
  }

  #release(attachments: readonly Attachment[]): void {
    for (const { previewUrl } of attachments) if (previewUrl) this.#options.environment.revokeUrl(previewUrl);
  }

  #readGate(): void {
    const details = this.#options.details.getSnapshot();
    this.patch({ gate: details?.gate ?? CLOSED_UNTIL_KNOWN });
    this.#judge();
  }

  /** Keeps the draft even when this view model has been left meanwhile. */
  #write(draft: Draft): void {
    this.#options.drafts.set(this.#options.roomId, draft);
    this.patch({ text: draft.text, attachments: draft.attachments });
    this.#judge();
  }

  #judge(): void {
    const { text, attachments, gate } = this.getSnapshot();
    // Three bytes at most for each UTF-16 unit: a short text need not be encoded to be measured.
    const tooLong = text.length * 3 > LONGEST_TEXT_BYTES && utf8.encode(text).length > LONGEST_TEXT_BYTES;
    const open = gate.state === "open" || gate.state === "checking";
    this.patch({ tooLong, canSend: open && !tooLong && (text.trim() !== "" || attachments.length > 0) });
  }

  #setTyping(typing: boolean): void {
    if (!typing && !this.#typing) return;
    this.#typing = typing;
    this.#options.timeline.setTyping(typing);
  }
}

function refusal(file: File, limit: number | null, already: number): RefusedFile["reason"] | null {
  if (file.size === 0) return { kind: "empty" };
  if (limit !== null && file.size > limit) return { kind: "too-large", limit };
  if (already >= MOST_ATTACHMENTS) return { kind: "too-many", most: MOST_ATTACHMENTS };
  return null;
}
