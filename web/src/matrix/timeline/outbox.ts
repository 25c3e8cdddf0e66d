/**
 * What is on its way out before the SDK knows of it: text waiting for the
 * guard, files being prepared, encrypted and uploaded. In order, one at a time
 * in each room.
 */
import type { MatrixClient } from "matrix-js-sdk";
import type { OutgoingFile } from "../api";
import { Failure, type FailureInfo, toFailure } from "../errors";
import { addressed, encryptAttachment } from "../media/attachments";
import type { Media } from "../media/media";
import { harmlessType, isPicture } from "../media/mime";
import type { Pictures } from "../media/pictures";
import { upload } from "../media/transfer";
import type { SessionContext } from "../session/context";
import type { EncryptedFile, FileBody, ItemBody, RoomId, SendState } from "../types";
import { cleanFileName } from "./body";

type Content = Record<string, unknown>;

/** One item on its way out. */
export interface OutboxEntry {
  readonly txnId: string;
  readonly ts: number;
  readonly body: ItemBody;
  readonly send: SendState;
  readonly replyTo: string | null;
}

interface Job {
  entry: OutboxEntry;
  /** Makes the content; keeps what is done, so that a retry does not do it again. */
  readonly content: () => Promise<Content>;
  readonly abort: AbortController;
  readonly cleanup: () => void;
}

/** Outgoing items of one room. */
export class RoomOutbox {
  readonly #context: SessionContext;
  readonly #client: MatrixClient;
  readonly #media: Media;
  readonly #pictures: Pictures;
  readonly #roomId: RoomId;
  readonly #onChange: () => void;
  readonly #jobs = new Map<string, Job>();
  #queue: Promise<void> = Promise.resolve();

  constructor(context: SessionContext, media: Media, pictures: Pictures, roomId: RoomId, onChange: () => void) {
    this.#context = context;
    this.#client = context.client;
    this.#media = media;
    this.#pictures = pictures;
    this.#roomId = roomId;
    this.#onChange = onChange;
    context.onClose(() => {
      for (const job of this.#jobs.values()) {
        job.abort.abort();
        job.cleanup();
      }
    });
  }

  /** Oldest first. */
  entries(): readonly OutboxEntry[] {
    return [...this.#jobs.values()].map((job) => job.entry);
  }

  has(txnId: string): boolean {
    return this.#jobs.has(txnId);
  }

  // ------------------------------------------------------------ text

  /** Sends text. Rejects if the guard refuses it: then nothing stays in the timeline. */
  sendText(content: Content, text: string, replyTo: string | null): Promise<void> {
    const body: ItemBody = { kind: "text", text, emote: false, notice: false };
    const job = this.#add(
      body,
      replyTo,
      async () => content,
      () => undefined,
    );
    return this.#enqueue(job, true);
  }

  // ------------------------------------------------------------ files

  /** Sends one file; failures stay in the timeline, to be tried again. */
  async sendFile(file: OutgoingFile): Promise<void> {
    const localUrl = URL.createObjectURL(file.blob);
    const mimeType = harmlessType(file.blob.type);
    const name = cleanFileName(file.name);
    const kind: FileBody["kind"] = isPicture(mimeType)
      ? "image"
      : mimeType.startsWith("video/")
        ? "video"
        : mimeType.startsWith("audio/")
          ? "audio"
          : "file";
    const caption = file.caption?.trim() || null;
    const body: FileBody = {
      kind,
      name,
      caption,
      mimeType,
      size: file.blob.size,
      source: { kind: "local", url: localUrl },
      width: null,
      height: null,
      thumbnail: null,
      blurhash: null,
    };
    const upload = this.#uploader(file.blob, { kind, name, caption, mimeType });
    const job = this.#add(
      body,
      null,
      () => upload(job),
      () => URL.revokeObjectURL(localUrl),
    );
    await this.#enqueue(job, false);
  }

  /** Steps from a file to a message's content, each done once even if a later one is tried again. */
  #uploader(
    blob: Blob,
    about: { readonly kind: FileBody["kind"]; readonly name: string; readonly caption: string | null; readonly mimeType: string },
  ): (job: Job) => Promise<Content> {
    let prepared: Promise<Content> | null = null;
    let main: EncryptedFile | null = null;
    return async (job) => {
      const limit = await this.#media.uploadLimit();
      if (limit !== null && blob.size > limit) throw new Failure("too-large", { limit });
      prepared ??= this.#prepare(job, blob, about.kind).catch((error: unknown) => {
        prepared = null;
        throw error;
      });
      const info = await prepared;
      main ??= await this.#uploadEncrypted(job, blob, (loaded, total) => {
        this.#set(job, { status: "uploading", loaded, total });
      });
      this.#media.seed({ kind: "encrypted", file: main, mimeType: about.mimeType }, blob);
      const isImageUnreadable = about.kind === "image" && info["w"] === undefined;
      return {
        msgtype: isImageUnreadable ? "m.file" : `m.${about.kind}`,
        body: about.caption ?? about.name,
        filename: about.name,
        file: main,
        info: { ...info, mimetype: about.mimeType, size: blob.size },
        "m.mentions": {},
      };
    };
  }

  /** Size and smaller version of a picture; nothing for other files. */
  async #prepare(job: Job, blob: Blob, kind: FileBody["kind"]): Promise<Content> {
    if (kind !== "image") return {};
    const picture = await this.#pictures.read(blob);
    if (picture === null) return {};
    const { width, height, thumbnail } = picture;
    this.#setBody(job, { width, height });
    if (thumbnail === null) return { w: width, h: height };
    const file = await this.#uploadEncrypted(job, thumbnail.blob, () => undefined);
    this.#media.seed({ kind: "encrypted", file, mimeType: thumbnail.blob.type }, thumbnail.blob);
    return {
      w: width,
      h: height,
      thumbnail_file: file,
      thumbnail_info: { w: thumbnail.width, h: thumbnail.height, mimetype: thumbnail.blob.type, size: thumbnail.blob.size },
    };
  }

  async #uploadEncrypted(job: Job, blob: Blob, onProgress: (loaded: number, total: number) => void): Promise<EncryptedFile> {
    const { ciphertext, file } = await encryptAttachment(await blob.arrayBuffer());
    const url = await upload(this.#media.access, ciphertext, { signal: job.abort.signal, onProgress });
    return addressed(file, url);
  }

  // ------------------------------------------------------------ queue

  #add(body: ItemBody, replyTo: string | null, content: () => Promise<Content>, cleanup: () => void): Job {
    const txnId = this.#client.makeTxnId();
    const job: Job = {
      entry: { txnId, ts: Date.now(), body, send: { status: "preparing" }, replyTo },
      content,
      abort: new AbortController(),
      cleanup,
    };
    this.#jobs.set(txnId, job);
    this.#onChange();
    return job;
  }

  #enqueue(job: Job, dropOnRefusal: boolean): Promise<void> {
    const run = this.#queue.then(() => this.#run(job, dropOnRefusal));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #run(job: Job, dropOnRefusal: boolean): Promise<void> {
    const { txnId } = job.entry;
    if (!this.#jobs.has(txnId)) return;
    const { guard } = this.#context;
    try {
      const room = this.#client.getRoom(this.#roomId);
      if (room === null) throw new Failure("not-found");
      // Asked before anything is uploaded, and again just before sending.
      await guard.assertMaySend(room);
      const content = await job.content();
      if (!this.#jobs.has(txnId)) return;
      this.#set(job, { status: "sending" });
      // From here the SDK's own echo of the same transaction stands for the item.
      const sent = guard.send(this.#roomId, "m.room.message", content, txnId);
      await this.#handedOver(txnId, sent);
      this.#remove(job);
    } catch (error) {
      const failure = toFailure(error);
      if (!this.#jobs.has(txnId)) return;
      if (failure.kind === "cancelled") this.#remove(job);
      else if (dropOnRefusal && REFUSALS.has(failure.kind)) {
        this.#remove(job);
        throw failure;
      } else this.#set(job, { status: "failed", failure: failure.info });
    }
  }

  /** Resolves once the SDK shows the item itself, or rejects if it never did. Does not wait for the server. */
  async #handedOver(txnId: string, sent: Promise<unknown>): Promise<void> {
    const isPending = () =>
      this.#client
        .getRoom(this.#roomId)
        ?.getPendingEvents()
        .some((event) => event.getTxnId() === txnId) ?? false;
    let settled = false;
    const done = sent.then(
      () => {
        settled = true;
      },
      (error: unknown) => {
        settled = true;
        // The SDK keeps the failed event, and shows it as failed.
        if (!isPending()) throw error;
      },
    );
    done.catch(() => undefined);
    while (!settled && !isPending()) await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 5))]);
    if (settled) await done;
  }

  retry(txnId: string): void {
    const job = this.#jobs.get(txnId);
    if (job === undefined || job.entry.send.status !== "failed") return;
    this.#set(job, { status: "preparing" });
    void this.#enqueue(job, false);
  }

  discard(txnId: string): void {
    const job = this.#jobs.get(txnId);
    if (job === undefined) return;
    job.abort.abort();
    this.#remove(job);
  }

  #set(job: Job, send: SendState): void {
    if (!this.#jobs.has(job.entry.txnId)) return;
    job.entry = { ...job.entry, send };
    this.#onChange();
  }

  #setBody(job: Job, size: { readonly width: number; readonly height: number }): void {
    if (job.entry.body.kind !== "image") return;
    job.entry = { ...job.entry, body: { ...job.entry.body, ...size } };
    this.#onChange();
  }

  #remove(job: Job): void {
    if (!this.#jobs.delete(job.entry.txnId)) return;
    job.cleanup();
    this.#onChange();
  }
}

/** Decisions of the guard: the text stays in the composer instead of the timeline. */
const REFUSALS: ReadonlySet<FailureInfo["kind"]> = new Set([
  "identity-changed",
  "not-encrypted",
  "encryption-weakened",
  "device-not-confirmed",
  "not-found",
] as const);
