/** Asks the picture worker; one worker, started when first needed. */
import type { Picture, PictureAnswer, PictureRequest } from "../../workers/picture";

const MAX_WIDTH = 800;
const MAX_HEIGHT = 800;
const SMALL_ENOUGH = 150_000;
/** A picture that takes longer is sent as a plain file. */
const TIMEOUT_MS = 30_000;

/** Reads pictures, see {@link Picture}. */
export class Pictures {
  #worker: Worker | null = null;
  #nextId = 1;
  readonly #waiting = new Map<number, (picture: Picture | null) => void>();

  /** Null if it is no picture that this browser can read. */
  async read(blob: Blob): Promise<Picture | null> {
    const worker = this.#start();
    if (worker === null) return null;
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, null), TIMEOUT_MS);
      this.#waiting.set(id, (picture) => {
        clearTimeout(timer);
        resolve(picture);
      });
      worker.postMessage({
        id,
        blob,
        maxWidth: MAX_WIDTH,
        maxHeight: MAX_HEIGHT,
        smallEnough: SMALL_ENOUGH,
      } satisfies PictureRequest);
    });
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#answerAll();
  }

  #start(): Worker | null {
    if (this.#worker !== null || globalThis.Worker === undefined) return this.#worker;
    const worker = new Worker(new URL("../../workers/picture.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = (event: MessageEvent<PictureAnswer>) => this.#answer(event.data.id, event.data.picture);
    worker.onerror = () => {
      worker.terminate();
      this.#worker = null;
      this.#answerAll();
    };
    this.#worker = worker;
    return worker;
  }

  #answer(id: number, picture: Picture | null): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(picture);
  }

  #answerAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#answer(id, null);
  }
}
