/** One tab's hold on the session: lock, opening, take-over, sign-out. */
import type { HostState, OpenSessionOptions, SessionHost, SignedOutReason } from "../api";
import { clearCredentials, loadVault, updateCredentials } from "../credentials";
import { Failure, toFailure } from "../errors";
import { Value } from "../observable";
import { SessionLock } from "./lock";
import { OpenSession } from "./session";
import { storeNames, wipeStores } from "./stores";

/** How long the server may take to hear of a sign-out. */
const LOGOUT_TIMEOUT_MS = 5_000;

/** See {@link SessionHost}. */
export class BrowserSessionHost implements SessionHost {
  readonly state = new Value<HostState>({ phase: "starting" });
  readonly #options: OpenSessionOptions;
  readonly #lock: SessionLock;
  #session: OpenSession | null = null;
  /** Opening and closing never overlap. */
  #work: Promise<void> = Promise.resolve();
  #over = false;

  constructor(options: OpenSessionOptions) {
    this.#options = options;
    this.#lock = new SessionLock({
      onOwned: () => void this.#open(),
      onElsewhere: () => this.#set({ phase: "open-elsewhere" }),
      onRelease: () => this.#close(),
      onSignedOut: (reason) => void this.#end(reason, false),
    });
    void this.#lock.start();
  }

  async takeOver(): Promise<void> {
    if (this.state.getSnapshot().phase !== "open-elsewhere") return;
    this.#set({ phase: "starting" });
    await this.#lock.takeOver();
  }

  async retry(): Promise<void> {
    if (this.state.getSnapshot().phase === "failed") await this.#open();
  }

  async signOut(): Promise<void> {
    await this.#session?.logout(LOGOUT_TIMEOUT_MS);
    await this.#end("by-me", true);
  }

  async close(): Promise<void> {
    this.#over = true;
    await this.#close();
    this.#lock.close();
  }

  #set(state: HostState): void {
    if (!this.#over) this.state.set(state);
  }

  #open(): Promise<void> {
    return this.#next(async () => {
      if (this.#over || this.#session !== null) return;
      this.#set({ phase: "starting" });
      try {
        // Tokens may have been renewed by another tab since this one was loaded.
        const vault = await loadVault();
        if (vault === null) {
          this.#set({ phase: "signed-out", reason: "by-me" });
          return;
        }
        const session = await OpenSession.open({
          credentials: vault.credentials,
          storageKey: vault.storageKey,
          stores: "browser",
          language: this.#options.language,
          onLoggedOut: (soft) => void this.#end(soft ? "expired" : "by-server", true),
          onCredentials: updateCredentials,
        });
        this.#session = session;
        this.#set({ phase: "open", session });
      } catch (error) {
        const failure = toFailure(error);
        if (failure.kind === "signed-out") void this.#end("by-server", true);
        else this.#set({ phase: "failed", failure: failure.info });
      }
    });
  }

  #close(): Promise<void> {
    return this.#next(async () => {
      const session = this.#session;
      this.#session = null;
      await session?.close();
    });
  }

  /** The session is over in this browser: wipes it (unless signing in again is to find it), tells other tabs. */
  async #end(reason: SignedOutReason, tellOthers: boolean): Promise<void> {
    if (this.#over) return;
    await this.#close();
    if (reason !== "expired" && tellOthers) {
      await wipeStores(storeNames(this.#options.credentials));
      await clearCredentials();
    }
    if (tellOthers) this.#lock.signedOut(reason);
    this.#set({ phase: "signed-out", reason });
    this.#over = true;
    this.#lock.close();
  }

  #next(work: () => Promise<void>): Promise<void> {
    const next = this.#work.then(work);
    this.#work = next.catch(() => undefined);
    return next.catch((error: unknown) => {
      throw error instanceof Failure ? error : toFailure(error);
    });
  }
}
