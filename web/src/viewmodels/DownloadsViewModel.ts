import type { MediaActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { FileBody } from "../matrix/types";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** How far a file has got on its way to the person's disk. */
export type DownloadState =
  | { readonly status: "running"; readonly loaded: number /** Bytes; null if not known. */; readonly total: number | null }
  | { readonly status: "failed"; readonly failure: FailureInfo };

/** Files being saved, by the key of their message. A file that was saved is no longer in it. */
export type DownloadsSnapshot = ReadonlyMap<string, DownloadState>;

/** Saves files. A download goes on when its message scrolls out of view or another conversation is opened. */
export class DownloadsViewModel extends ViewModel<DownloadsSnapshot> {
  readonly #media: MediaActions;
  readonly #environment: Environment;
  readonly #running = new Map<string, AbortController>();

  constructor(media: MediaActions, environment: Environment) {
    super(new Map());
    this.#media = media;
    this.#environment = environment;
    this.own(() => {
      for (const controller of this.#running.values()) controller.abort();
    });
  }

  /** Fetches, opens and saves the file of the message `key`. Does nothing while that is under way. */
  async start(key: string, file: FileBody): Promise<void> {
    if (this.#running.has(key)) return;
    const controller = new AbortController();
    this.#running.set(key, controller);
    this.#tell(key, { status: "running", loaded: 0, total: file.size });
    try {
      const blob = await this.#media.download(file.source, {
        signal: controller.signal,
        onProgress: (loaded, total) => this.#tell(key, { status: "running", loaded, total: total ?? file.size }),
      });
      if (controller.signal.aborted) return;
      this.#environment.saveFile(blob, file.name);
      this.#tell(key, null);
    } catch (error) {
      const { info } = toFailure(error);
      this.#tell(key, controller.signal.aborted || info.kind === "cancelled" ? null : { status: "failed", failure: info });
    } finally {
      this.#running.delete(key);
    }
  }

  /** Gives a download up. */
  cancel(key: string): void {
    this.#running.get(key)?.abort();
    this.#tell(key, null);
  }

  #tell(key: string, state: DownloadState | null): void {
    const next = new Map(this.getSnapshot());
    if (state) next.set(key, state);
    else next.delete(key);
    this.set(next);
  }
}
