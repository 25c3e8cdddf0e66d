import type { Session } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { RecoveryLanguage, RestoreProgress } from "../matrix/types";
import { isConfirmed, isRecoveryPending, setConfirmed, setRecoveryPending } from "./deviceNotes";
import type { Environment } from "./environment";
import { type RecoveryCodePurpose, RecoveryCodeViewModel } from "./RecoveryCodeViewModel";
import { recoveryCodeLength, wordsOf } from "./recoveryWords";
import { ViewModel } from "./ViewModel";

/** What stands between an open session and the conversations. */
export type GateSnapshot =
  | { readonly screen: "checking" }
  | { readonly screen: "failed"; readonly failure: FailureInfo }
  /** The recovery code is being made; `resumed`: the one of an earlier visit was never confirmed. */
  | {
      readonly screen: "recovery-code";
      readonly purpose: RecoveryCodePurpose;
      readonly resumed: boolean;
      readonly model: RecoveryCodeViewModel;
    }
  /** A new browser: the code, another device, or a reset. */
  | {
      readonly screen: "recovery";
      readonly otherDevice: boolean;
      readonly recoveryCode: boolean;
      readonly words: string;
      /** How many words were typed so far. */
      readonly wordCount: number;
      readonly busy: boolean;
      readonly failure: FailureInfo | null;
    }
  /** The history comes back; the person may go on meanwhile. */
  | { readonly screen: "restoring"; readonly progress: RestoreProgress }
  | { readonly screen: "open" };

/** What {@link GateViewModel} needs. */
export interface GateOptions {
  readonly session: Session;
  readonly environment: Environment;
  readonly language: () => RecoveryLanguage;
  /** The password of the sign-in a moment ago, once. */
  readonly takePassword: () => string | null;
  readonly random: () => number;
}

/** Leads a new account through its first run and a new browser through its recovery; nobody passes by accident. */
export class GateViewModel extends ViewModel<GateSnapshot> {
  readonly #options: GateOptions;
  readonly #deviceId: string;
  #codeModel: RecoveryCodeViewModel | null = null;
  #purpose: RecoveryCodePurpose = "first-run";
  #resumed = false;
  /** This device was confirmed while the recovery screen stood: the history is coming. */
  #recovered = false;
  #typed: { words: string; busy: boolean; failure: FailureInfo | null } = { words: "", busy: false, failure: null };

  constructor(options: GateOptions) {
    super({ screen: "checking" });
    this.#options = options;
    const { session } = options;
    this.#deviceId = session.me.getSnapshot().deviceId;
    this.own(session.security.state.subscribe(() => this.#update()));
    this.own(session.security.restore.subscribe(() => this.#update()));
    this.own(() => this.#codeModel?.dispose());
    this.#update();
  }

  /** After `failed`. */
  async retry(): Promise<void> {
    await this.#options.session.security.retry().catch(() => {
      // The state says that it failed again.
    });
  }

  /** On the recovery screen: what was typed or pasted so far. */
  setWords(words: string): void {
    this.#typed = { ...this.#typed, words, failure: null };
    this.#update();
  }

  /** On the recovery screen: tries the code. */
  async submitWords(): Promise<void> {
    if (this.#typed.busy || this.#typed.words.trim() === "") return;
    this.#typed = { ...this.#typed, busy: true, failure: null };
    this.#recovered = true;
    this.#update();
    try {
      await this.#options.session.security.recover(codeToTry(this.#typed.words));
      this.#typed = { words: "", busy: false, failure: null };
    } catch (error) {
      this.#typed = { ...this.#typed, busy: false, failure: toFailure(error).info };
    }
    this.#update();
  }

  /** On the recovery screen: a new identity, because the code is lost and no other device is at hand. */
  startReset(): void {
    this.#startCode("reset");
  }

  /** Leaves the reset before the password was given. */
  cancelReset(): void {
    const step = this.#codeModel?.getSnapshot();
    if (this.#purpose !== "reset" || step?.step !== "password" || step.busy) return;
    this.#codeModel?.dispose();
    this.#codeModel = null;
    this.#update();
  }

  /** The history may come back while the person reads on. */
  continueInBackground(): void {
    this.#recovered = false;
    this.#update();
  }

  /** After the history could not be restored. */
  async restoreAgain(): Promise<void> {
    await this.#options.session.security.restoreHistory().catch(() => {
      // `restore` says that it failed again.
    });
  }

  #update(): void {
    const { session, environment } = this.#options;
    const state = session.security.state.getSnapshot();
    if (state.status === "ready") setConfirmed(environment, this.#deviceId);

    if (this.#codeModel) {
      this.set({ screen: "recovery-code", purpose: this.#purpose, resumed: this.#resumed, model: this.#codeModel });
      return;
    }
    switch (state.status) {
      case "checking":
      case "failed":
        if (isConfirmed(environment, this.#deviceId) && !isRecoveryPending(environment, this.#deviceId)) {
          this.set({ screen: "open" });
        } else if (state.status === "failed") this.set({ screen: "failed", failure: state.failure });
        else this.set({ screen: "checking" });
        return;
      case "needs-setup":
        this.#startCode("first-run");
        return;
      case "needs-recovery":
        // A reset that never reached the server left its note.
        setRecoveryPending(environment, null);
        // Confirmed by emoji from here, this device passes through "restoring" too.
        this.#recovered = true;
        this.set({
          screen: "recovery",
          otherDevice: state.otherDevice,
          recoveryCode: state.recoveryCode,
          words: this.#typed.words,
          wordCount: wordsOf(this.#typed.words).length,
          busy: this.#typed.busy,
          failure: this.#typed.failure,
        });
        return;
      case "ready":
        // The state is told before `recover` resolves; the restoring starts in between.
        if (this.#typed.busy) return;
        if (isRecoveryPending(environment, this.#deviceId)) this.#startCode("replace");
        else this.#showOpen();
    }
  }

  #showOpen(): void {
    const progress = this.#options.session.security.restore.getSnapshot();
    const restoring = progress.status !== "idle" && progress.status !== "done";
    if (this.#recovered && restoring) this.set({ screen: "restoring", progress });
    else {
      this.#recovered = false;
      this.set({ screen: "open" });
    }
  }

  #startCode(purpose: RecoveryCodePurpose): void {
    const { session, environment, language, takePassword, random } = this.#options;
    this.#purpose = purpose;
    this.#resumed = isRecoveryPending(environment, this.#deviceId);
    const model = new RecoveryCodeViewModel({
      security: session.security,
      environment,
      purpose,
      language: language(),
      password: takePassword(),
      random,
      // From here on the account has (or will have) a code that nobody has noted: even a closed tab comes back to it.
      onCommit: () => setRecoveryPending(environment, this.#deviceId),
      onDone: () => {
        setRecoveryPending(environment, null);
        this.#codeModel = null;
        this.#recovered = false;
        this.#update();
      },
    });
    this.#codeModel = model;
    this.#update();
    void model.start();
  }
}

/** Twelve words as they are; anything else as it was typed, because it may be a recovery key of another app. */
function codeToTry(typed: string): string {
  const words = wordsOf(typed);
  return words.length === recoveryCodeLength ? words.join(" ") : typed.trim();
}
