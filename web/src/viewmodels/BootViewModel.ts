import type { OpenSessionOptions, Session, SessionHost, SignedOutReason } from "../matrix/api";
import { clearCredentials, isProbablySignedIn, loadCredentials, saveCredentials } from "../matrix/credentials";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Credentials, RecoveryLanguage } from "../matrix/types";
import { forgetDevice } from "./deviceNotes";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** What the whole page shows. */
export type BootSnapshot =
  | { readonly phase: "starting" }
  /** `reason` is null when nobody was signed in here. */
  | { readonly phase: "signed-out"; readonly reason: SignedOutReason | null }
  | { readonly phase: "open-elsewhere" }
  | { readonly phase: "open"; readonly session: Session }
  | { readonly phase: "failed"; readonly failure: FailureInfo };

/** The Matrix layer, loaded when it is needed: it brings the cryptography. */
export type LoadMatrix = () => Promise<{ openSession(options: OpenSessionOptions): SessionHost }>;

/** How long a typed password may wait in memory for the first run that needs it, in milliseconds. */
const passwordLifetime = 10 * 60_000;

/** From nothing to an open session, and back. One per page. */
export class BootViewModel extends ViewModel<BootSnapshot> {
  readonly #environment: Environment;
  readonly #loadMatrix: LoadMatrix;
  readonly #language: () => RecoveryLanguage;
  #host: SessionHost | null = null;
  #unfollow: (() => void) | null = null;
  #password: string | null = null;
  #forgetPassword: (() => void) | null = null;

  constructor(environment: Environment, loadMatrix: LoadMatrix, language: () => RecoveryLanguage) {
    // Without the hint nobody is signed in: the sign-in page is the first paint.
    super(isProbablySignedIn() ? { phase: "starting" } : { phase: "signed-out", reason: null });
    this.#environment = environment;
    this.#loadMatrix = loadMatrix;
    this.#language = language;
    this.own(() => {
      this.#unfollow?.();
      this.#takePassword();
      void this.#host?.close();
    });
  }

  /** Resumes the session of this browser, if it has one. */
  async start(): Promise<void> {
    if (this.getSnapshot().phase === "starting") await this.#resume();
  }

  /** Fetches the Matrix layer ahead of time, while somebody types. */
  preload(): void {
    void this.#loadMatrix().catch(() => {
      // It is asked for again when it is needed, and that failure is shown.
    });
  }

  /** After a sign-in or sign-up. The password is kept in memory for a first run that must confirm it, and for no longer than ten minutes. */
  async signedIn(credentials: Credentials, password: string): Promise<void> {
    this.set({ phase: "starting" });
    this.#takePassword();
    this.#password = password;
    this.#forgetPassword = this.#environment.after(passwordLifetime, () => this.#takePassword());
    try {
      await saveCredentials(credentials);
    } catch (error) {
      this.set({ phase: "failed", failure: toFailure(error).info });
      return;
    }
    await this.#open(credentials);
  }

  /** The password of the sign-in a moment ago, once; null if there was none. */
  takePassword(): string | null {
    return this.#takePassword();
  }

  /** In `open-elsewhere`: goes on in this tab. */
  async takeOver(): Promise<void> {
    this.set({ phase: "starting" });
    try {
      await this.#host?.takeOver();
    } catch (error) {
      this.set({ phase: "failed", failure: toFailure(error).info });
    }
  }

  /** In `failed`: starts again. */
  async retry(): Promise<void> {
    this.set({ phase: "starting" });
    if (!this.#host) return this.#resume();
    try {
      await this.#host.retry();
    } catch (error) {
      this.set({ phase: "failed", failure: toFailure(error).info });
    }
  }

  /** Ends the session and wipes it from this browser. */
  async signOut(): Promise<void> {
    this.#takePassword();
    try {
      if (this.#host) await this.#host.signOut();
      else await clearCredentials();
    } catch (error) {
      this.set({ phase: "failed", failure: toFailure(error).info });
      return;
    }
    forgetDevice(this.#environment);
    this.set({ phase: "signed-out", reason: "by-me" });
  }

  async #resume(): Promise<void> {
    try {
      const credentials = await loadCredentials();
      if (credentials) await this.#open(credentials);
      else this.set({ phase: "signed-out", reason: null });
    } catch (error) {
      this.set({ phase: "failed", failure: toFailure(error).info });
    }
  }

  async #open(credentials: Credentials): Promise<void> {
    this.#unfollow?.();
    try {
      const { openSession } = await this.#loadMatrix();
      if (this.disposed) return;
      this.#host = openSession({ credentials, language: this.#language() });
    } catch (error) {
      this.#host = null;
      // The code could not be fetched: as good as no network.
      const failure = toFailure(error);
      this.set({
        phase: "failed",
        failure: failure.kind === "unknown" ? { ...failure.info, kind: "network", i18nKey: "errors.network" } : failure.info,
      });
      return;
    }
    const host = this.#host;
    const follow = () => this.#follow(host);
    this.#unfollow = host.state.subscribe(follow);
    follow();
  }

  #follow(host: SessionHost): void {
    const state = host.state.getSnapshot();
    if (state.phase === "signed-out") {
      this.#unfollow?.();
      this.#unfollow = null;
      this.#host = null;
      // A session that only expired is found again by signing in: its device stays known.
      if (state.reason !== "expired") forgetDevice(this.#environment);
    }
    this.set(state);
  }

  #takePassword(): string | null {
    const password = this.#password;
    this.#password = null;
    this.#forgetPassword?.();
    this.#forgetPassword = null;
    return password;
  }
}
