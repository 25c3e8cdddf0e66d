import type { Environment } from "./environment";

/** Counts whole seconds down to zero and tells each one. */
export class Countdown {
  readonly #environment: Environment;
  readonly #onTick: (seconds: number) => void;
  #end = 0;
  #cancel: (() => void) | null = null;

  constructor(environment: Environment, onTick: (seconds: number) => void) {
    this.#environment = environment;
    this.#onTick = onTick;
  }

  /** Starts again from `milliseconds`, rounded up to seconds; `onTick` hears the first value at once. */
  start(milliseconds: number): void {
    this.#end = this.#environment.now() + Math.ceil(milliseconds / 1000) * 1000;
    this.#tick();
  }

  /** Stops without a last call. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #tick(): void {
    this.stop();
    // Read from the clock, so that a computer that slept does not count those seconds again.
    const seconds = Math.max(0, Math.ceil((this.#end - this.#environment.now()) / 1000));
    this.#onTick(seconds);
    if (seconds > 0) this.#cancel = this.#environment.after(1000, () => this.#tick());
  }
}
