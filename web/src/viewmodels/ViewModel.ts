import { type Observable, Value } from "../matrix/observable";

/**
 * What every view model is: an immutable snapshot that a view renders, and actions (the subclass's public methods).
 * It knows no React: `useViewModel` of `src/ui` binds a view to it.
 */
export abstract class ViewModel<Snapshot> implements Observable<Snapshot> {
  readonly #state: Value<Snapshot>;
  readonly #cleanups: Array<() => void> = [];
  #disposed = false;

  protected constructor(initial: Snapshot) {
    this.#state = new Value(initial);
  }

  /** The present snapshot; the same reference as long as nothing changed. */
  readonly getSnapshot = (): Snapshot => this.#state.getSnapshot();

  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener);

  /** True once {@link dispose} was called: an answer that arrives later is to be dropped. */
  protected get disposed(): boolean {
    return this.#disposed;
  }

  /** Replaces the snapshot. Ignored after {@link dispose}. */
  protected set(next: Snapshot): void {
    if (!this.#disposed) this.#state.set(next);
  }

  /** Replaces some members of the snapshot. Ignored after {@link dispose}. */
  protected patch(part: Partial<Snapshot>): void {
    this.set({ ...this.getSnapshot(), ...part });
  }

  /** Runs `cleanup` at {@link dispose}; for subscriptions and timers. */
  protected own(cleanup: () => void): void {
    if (this.#disposed) cleanup();
    else this.#cleanups.push(cleanup);
  }

  /** Ends subscriptions and timers. The last snapshot stays readable. Calling it twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    for (const cleanup of this.#cleanups.splice(0).reverse()) cleanup();
  }
}
