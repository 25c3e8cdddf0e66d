/** Files for display and for saving, with a cache that gives memory back. */
import type { MediaActions, MediaHandle } from "../api";
import { toFailure } from "../errors";
import { Value } from "../observable";
import type { SessionContext } from "../session/context";
import type { MediaSource, MediaState } from "../types";
import { decryptAttachment } from "./attachments";
import { harmlessType } from "./mime";
import { download, type TransferAccess } from "./transfer";

/** Files that nobody shows any more are kept up to this many bytes and entries. */
const KEEP_BYTES = 64 * 1024 * 1024;
const KEEP_ENTRIES = 300;

interface Entry {
  readonly key: string;
  readonly state: Value<MediaState>;
  readonly abort: AbortController;
  users: number;
  bytes: number;
}

/** See {@link MediaActions}. */
export class Media implements MediaActions {
  readonly #context: SessionContext;
  readonly access: TransferAccess;
  /** In order of last use, oldest first. */
  readonly #entries = new Map<string, Entry>();
  #limit: Promise<number | null> | null = null;

  constructor(context: SessionContext) {
    this.#context = context;
    this.access = {
      baseUrl: context.credentials.baseUrl,
      accessToken: context.accessToken,
      fetch: context.fetch,
    };
    context.onClose(() => {
      for (const entry of this.#entries.values()) this.#drop(entry);
    });
  }

  acquire(source: MediaSource): MediaHandle {
    if (source.kind === "local") {
      return { state: new Value<MediaState>({ status: "ready", url: source.url }), release: () => undefined };
    }
    const key = cacheKey(source);
    let entry = this.#entries.get(key);
    // A failure is forgotten once somebody asks again.
    if (entry === undefined || (entry.state.getSnapshot().status === "failed" && entry.users === 0)) {
      entry = this.#load(key, source);
    }
    entry.users += 1;
    this.#touch(entry);
    let released = false;
    const held = entry;
    return {
      state: held.state,
      release: () => {
        if (released) return;
        released = true;
        held.users -= 1;
        if (held.users === 0 && held.state.getSnapshot().status === "loading") {
          this.#drop(held);
          this.#entries.delete(held.key);
        }
        this.#evict();
      },
    };
  }

  async download(
    source: MediaSource,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (loaded: number, total: number | null) => void } = {},
  ): Promise<Blob> {
    try {
      return await this.#fetch(source, options);
    } catch (error) {
      throw toFailure(error);
    }
  }

  uploadLimit(): Promise<number | null> {
    this.#limit ??= this.#context.client
      .getMediaConfig(true)
      .then((config) => config["m.upload.size"] ?? null)
      .catch(() => {
        this.#limit = null;
        return null;
      });
    return this.#limit;
  }

  /** Puts a file that was just sent into the cache, so that it need not be fetched. */
  seed(source: MediaSource, blob: Blob): void {
    if (source.kind === "local" || this.#entries.has(cacheKey(source))) return;
    const entry: Entry = {
      key: cacheKey(source),
      state: new Value<MediaState>({ status: "loading" }),
      abort: new AbortController(),
      users: 0,
      bytes: 0,
    };
    this.#entries.set(entry.key, entry);
    this.#fill(entry, new Blob([blob], { type: harmlessType(blob.type) }));
  }

  #load(key: string, source: MediaSource): Entry {
    const entry: Entry = {
      key,
      state: new Value<MediaState>({ status: "loading" }),
      abort: new AbortController(),
      users: 0,
      bytes: 0,
    };
    this.#entries.set(key, entry);
    this.#fetch(source, { signal: entry.abort.signal }).then(
      (blob) => this.#fill(entry, blob),
      (error: unknown) => entry.state.set({ status: "failed", failure: toFailure(error).info }),
    );
    return entry;
  }

  #fill(entry: Entry, blob: Blob): void {
    if (entry.abort.signal.aborted) return;
    entry.bytes = blob.size;
    entry.state.set({ status: "ready", url: URL.createObjectURL(blob) });
    this.#evict();
  }

  async #fetch(
    source: MediaSource,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (loaded: number, total: number | null) => void },
  ): Promise<Blob> {
    switch (source.kind) {
      case "local":
        return (await fetch(source.url)).blob();
      case "clear": {
        const file = await download(this.access, source.mxc, { ...options, thumbnail: source.thumbnail });
        return new Blob([file.bytes], { type: harmlessType(file.type) });
      }
      case "encrypted": {
        const file = await download(this.access, source.file.url, options);
        const bytes = await decryptAttachment(file.bytes, source.file);
        return new Blob([bytes], { type: harmlessType(source.mimeType) });
      }
    }
  }

  #touch(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
  }

  #evict(): void {
    const idle = [...this.#entries.values()].filter((entry) => entry.users === 0);
    let bytes = idle.reduce((sum, entry) => sum + entry.bytes, 0);
    let count = idle.length;
    for (const entry of idle) {
      if (bytes <= KEEP_BYTES && count <= KEEP_ENTRIES) return;
      bytes -= entry.bytes;
      count -= 1;
      this.#drop(entry);
      this.#entries.delete(entry.key);
    }
  }

  #drop(entry: Entry): void {
    entry.abort.abort();
    const state = entry.state.getSnapshot();
    if (state.status === "ready") URL.revokeObjectURL(state.url);
  }
}

function cacheKey(source: Exclude<MediaSource, { kind: "local" }>): string {
  if (source.kind === "encrypted") return `e|${source.file.url}|${source.file.key.k}`;
  const { thumbnail } = source;
  return thumbnail === null ? `c|${source.mxc}` : `c|${source.mxc}|${thumbnail.width}x${thumbnail.height}`;
}
