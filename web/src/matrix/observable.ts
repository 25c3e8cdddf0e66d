/**
 * A value that changes over time, in the shape that React's
 * `useSyncExternalStore` wants.
 *
 * A snapshot is immutable: as long as nothing changed, `getSnapshot()` returns
 * the same reference, and unchanged parts of a new snapshot keep theirs.
 * Both functions are bound: they may be passed around without their object.
 */
export interface Observable<T> {
  /** The present value. Cheap: never computes more than what changed. */
  readonly getSnapshot: () => T;
  /**
   * Calls `listener` after each change, until the returned function is called.
   * Listeners are called synchronously; a listener that throws does not keep
   * the others from hearing.
   */
  readonly subscribe: (listener: () => void) => () => void;
}

/** An {@link Observable} that its owner can write. */
export class Value<T> implements Observable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(initial: T) {
    this.#value = initial;
  }

  readonly getSnapshot = (): T => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => {
    // A wrapper makes each subscription distinct, even for the same function.
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  /** Number of listeners at present. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Replaces the value; tells listeners only if the reference differs. */
  set(next: T): void {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
