/** Asks the picture worker; one worker, started when first needed. */
import type { Picture, PictureAnswer, PictureRequest, SquareRequest } from "../../workers/picture";

const MAX_WIDTH = 800;
const MAX_HEIGHT = 800;
const SMALL_ENOUGH = 150_000;
/** A picture that takes longer is sent as a plain file. */
const TIMEOUT_MS = 30_000;

/** Reads pictures, see {@link Picture}. */
export class Pictures {
  #worker: Worker | null = null;
  #nextId = 1;
  readonly #waiting = new Map<number, (result: PictureAnswer["result"]) => void>();

  /** Null if it is no picture that this browser can read. */
  async read(blob: Blob): Promise<Picture | null> {
    const facts = { maxWidth: MAX_WIDTH, maxHeight: MAX_HEIGHT, smallEnough: SMALL_ENOUGH };
    const result = await this.#ask((id) => ({ id, blob, ...facts }));
    return result instanceof Blob ? null : result;
  }

  /** The middle of a picture as a JPEG at most `edge` pixels wide and high; null if it is no picture. */
  async square(blob: Blob, edge: number): Promise<Blob | null> {
    const result = await this.#ask((id) => ({ id, blob, square: edge }));
    return result instanceof Blob ? result : null;
  }

  #ask(request: (id: number) => PictureRequest | SquareRequest): Promise<PictureAnswer["result"]> {
    const worker = this.#start();
    if (worker === null) return Promise.resolve(null);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, null), TIMEOUT_MS);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      worker.postMessage(request(id));
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
    worker.onmessage = (event: MessageEvent<PictureAnswer>) => this.#answer(event.data.id, event.data.result);
    worker.onerror = () => {
      worker.terminate();
      this.#worker = null;
      this.#answerAll();
    };
    this.#worker = worker;
    return worker;
  }

  #answer(id: number, result: PictureAnswer["result"]): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(result);
  }

  #answerAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#answer(id, null);
  }
}
