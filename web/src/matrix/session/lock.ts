/**
 * One tab of a browser owns the session at a time, by Web Locks: two clients
 * on one store of keys would ruin it.
 *
 * Taking over is by agreement: the tab that wants the session asks over a
 * channel, the owner closes its client and lets go. Only a tab that does not
 * answer (frozen by the browser) has its lock taken away.
 */
import type { SignedOutReason } from "../api";

const LOCK = "pli-session";
const CHANNEL = "pli-session";
/** How long the owner may take to close its client before the lock is taken from it. */
const RELEASE_TIMEOUT_MS = 5_000;

type Message =
  | { readonly kind: "release"; readonly by: string }
  | { readonly kind: "owned"; readonly by: string }
  | { readonly kind: "signed-out"; readonly reason: SignedOutReason };

/** What the lock tells its tab. */
export interface LockEvents {
  /** This tab owns the session now. */
  readonly onOwned: () => void;
  /** Another tab owns it. */
  readonly onElsewhere: () => void;
  /** Close everything that uses the stores: another tab takes over. Awaited before the lock is let go. */
  readonly onRelease: () => Promise<void>;
  /** The session was signed out in another tab. */
  readonly onSignedOut: (reason: SignedOutReason) => void;
}

/** See the file's head. */
export class SessionLock {
  readonly #id = crypto.randomUUID();
  readonly #events: LockEvents;
  readonly #channel: BroadcastChannel | null;
  /** Lets the lock go, while this tab owns it. */
  #letGo: (() => void) | null = null;
  #waiting: AbortController | null = null;
  #closed = false;

  constructor(events: LockEvents) {
    this.#events = events;
    this.#channel = globalThis.BroadcastChannel === undefined ? null : new BroadcastChannel(CHANNEL);
    if (this.#channel !== null) {
      this.#channel.onmessage = (message: MessageEvent<Message>) => void this.#onMessage(message.data);
    }
  }

  /** Takes the lock if it is free; else says so, and waits for it to become free. */
  async start(): Promise<void> {
    const locks = globalThis.navigator?.locks;
    // No Web Locks: no browser tab (tests), or one without secure storage, where no session opens at all.
    if (locks === undefined) {
      this.#letGo = () => undefined;
      this.#events.onOwned();
      return;
    }
    const free = await this.#hold({ ifAvailable: true });
    if (free || this.#closed) return;
    this.#events.onElsewhere();
    this.#wait();
  }

  /** Asks the owner to let go, and takes the lock. */
  async takeOver(): Promise<void> {
    if (this.#letGo !== null || globalThis.navigator?.locks === undefined) return;
    this.#stopWaiting();
    this.#post({ kind: "release", by: this.#id });
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), RELEASE_TIMEOUT_MS);
    const owned = await this.#hold({ signal: patience.signal });
    clearTimeout(timer);
    if (!owned && !this.#closed) await this.#hold({ steal: true });
  }

  /** Lets go, and tells other tabs that the session is over. */
  signedOut(reason: SignedOutReason): void {
    this.#post({ kind: "signed-out", reason });
  }

  close(): void {
    this.#closed = true;
    this.#stopWaiting();
    this.#letGo?.();
    this.#letGo = null;
    this.#channel?.close();
  }

  /** Requests the lock; resolves as soon as it is known whether it was granted. */
  #hold(options: LockOptions): Promise<boolean> {
    return new Promise((resolve) => {
      const request = navigator.locks.request(LOCK, options, (lock) => {
        if (lock === null || this.#closed) {
          resolve(false);
          return undefined;
        }
        return new Promise<void>((letGo) => {
          this.#letGo = letGo;
          this.#waiting = null;
          this.#post({ kind: "owned", by: this.#id });
          this.#events.onOwned();
          resolve(true);
        });
      });
      request.catch(() => {
        resolve(false);
        // Stolen from this tab while it was frozen.
        if (this.#letGo !== null) void this.#lose();
      });
    });
  }

  async #lose(): Promise<void> {
    const letGo = this.#letGo;
    this.#letGo = null;
    await this.#events.onRelease();
    letGo?.();
    if (this.#closed) return;
    this.#events.onElsewhere();
  }

  /** Gets the lock by itself when its owner goes away. */
  #wait(): void {
    if (this.#closed || this.#waiting !== null || this.#letGo !== null) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    void this.#hold({ signal: waiting.signal });
  }

  #stopWaiting(): void {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  async #onMessage(message: Message): Promise<void> {
    switch (message.kind) {
      case "release":
        if (message.by === this.#id) return;
        // Whoever only waits steps back, so that the one who asked is next.
        this.#stopWaiting();
        if (this.#letGo !== null) await this.#lose();
        return;
      case "owned":
        if (message.by !== this.#id && this.#letGo === null) this.#wait();
        return;
      case "signed-out":
        this.#events.onSignedOut(message.reason);
        return;
    }
  }

  #post(message: Message): void {
    if (!this.#closed || message.kind === "signed-out") this.#channel?.postMessage(message);
  }
}
