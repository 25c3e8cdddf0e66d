import type { SecurityActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { RecoveryLanguage } from "../matrix/types";
import type { Environment } from "./environment";
import { isSameWord, twoPositions } from "./recoveryWords";
import { ViewModel } from "./ViewModel";

/** Why a recovery code is made: for a new account, anew in place of another, or for a new identity because the old code is lost. */
export type RecoveryCodePurpose = "first-run" | "replace" | "reset";

/** Where the making of a recovery code has got to. */
export type RecoveryCodeSnapshot =
  /** Asks for the password first, if the account has one; `failure` tells why it was not taken. */
  | { readonly step: "password"; readonly busy: boolean; readonly failure: FailureInfo | null; readonly asksPassword: boolean }
  | { readonly step: "preparing" }
  | { readonly step: "failed"; readonly failure: FailureInfo }
  /** Shows the words. */
  | { readonly step: "show"; readonly words: readonly string[] }
  /** Asks for two of them; `positions` count from 0. */
  | {
      readonly step: "confirm";
      readonly positions: readonly [number, number];
      readonly answers: readonly [string, string];
      /** Which answers were wrong at the last try. */
      readonly wrong: readonly [boolean, boolean];
    }
  | { readonly step: "done" };

/** What {@link RecoveryCodeViewModel} needs. */
export interface RecoveryCodeOptions {
  readonly security: SecurityActions;
  readonly environment: Environment;
  readonly purpose: RecoveryCodePurpose;
  readonly language: RecoveryLanguage;
  /** The password of the sign-in a moment ago, if the server asks for it. */
  readonly password?: string | null;
  /** Numbers from 0 up to, not including, 1: which words are asked again. */
  readonly random: () => number;
  /** Just before the server hears of the code. */
  readonly onCommit: () => void;
  readonly onDone: () => void;
}

/** Makes a recovery code, shows it, and makes sure that it was written down. */
export class RecoveryCodeViewModel extends ViewModel<RecoveryCodeSnapshot> {
  readonly #options: RecoveryCodeOptions;
  /** The same code again after a failure half-way: the server may already know of it. */
  readonly #code: string;
  #password: string | null;
  /** False once the server said that this account confirms elsewhere. */
  #asksPassword = true;

  constructor(options: RecoveryCodeOptions) {
    super(
      options.purpose === "reset" ? { step: "password", busy: false, failure: null, asksPassword: true } : { step: "preparing" },
    );
    this.#options = options;
    this.#code = options.security.createRecoveryCode(options.language);
    this.#password = options.password ?? null;
  }

  /** Begins at once, unless the password must be asked first. */
  async start(): Promise<void> {
    if (this.getSnapshot().step === "preparing") await this.#prepare();
    else if (this.#options.purpose === "reset") await this.#findOutHowToConfirm();
  }

  /** Confirms with the password. */
  async submitPassword(password: string): Promise<void> {
    const snapshot = this.getSnapshot();
    if (snapshot.step !== "password" || snapshot.busy || (password === "" && this.#asksPassword)) return;
    this.#password = password;
    this.#ask({ busy: true, failure: null });
    await this.#prepare();
  }

  /** After a failure: tries again with the same code. */
  async retry(): Promise<void> {
    if (this.getSnapshot().step !== "failed") return;
    this.set({ step: "preparing" });
    await this.#prepare();
  }

  /** Puts the words on the clipboard. */
  async copy(): Promise<void> {
    await this.#options.environment.copyText(this.#code);
  }

  /** "I have written them down": goes on to the question. */
  writtenDown(): void {
    if (this.getSnapshot().step !== "show") return;
    this.set({ step: "confirm", positions: twoPositions(this.#options.random), answers: ["", ""], wrong: [false, false] });
  }

  /** Back to the words. */
  showAgain(): void {
    if (this.getSnapshot().step === "confirm") this.#show();
  }

  setAnswer(which: 0 | 1, text: string): void {
    const snapshot = this.getSnapshot();
    if (snapshot.step !== "confirm") return;
    const [first, second] = snapshot.answers;
    const [firstWrong, secondWrong] = snapshot.wrong;
    this.set({
      ...snapshot,
      answers: which === 0 ? [text, second] : [first, text],
      wrong: which === 0 ? [false, secondWrong] : [firstWrong, false],
    });
  }

  /** Compares the two words; done if both are right. */
  confirm(): void {
    const snapshot = this.getSnapshot();
    if (snapshot.step !== "confirm") return;
    const words = this.#words();
    const isWrong = (which: 0 | 1) => !isSameWord(snapshot.answers[which], words[snapshot.positions[which]] ?? "");
    const wrong = [isWrong(0), isWrong(1)] as const;
    if (wrong[0] || wrong[1]) {
      this.set({ ...snapshot, wrong });
      return;
    }
    this.set({ step: "done" });
    this.#options.onDone();
  }

  async #prepare(): Promise<void> {
    const { security, purpose } = this.#options;
    const recoveryCode = this.#code;
    const password = this.#password;
    this.#options.onCommit();
    try {
      if (purpose === "replace") await security.changeRecoveryCode(recoveryCode);
      else if (purpose === "reset") await security.reset({ recoveryCode, password: password ?? "" });
      else await security.setUp({ recoveryCode, ...(password === null ? {} : { password }) });
    } catch (error) {
      const { info } = toFailure(error);
      const aboutPassword = info.kind === "password-needed" || info.kind === "wrong-password";
      // The server's first question for the password is no mistake of the person's, nor is thinking better of it.
      const isQuestion = info.kind === "password-needed" || info.kind === "cancelled";
      if (aboutPassword || purpose === "reset") this.#ask({ busy: false, failure: isQuestion ? null : info });
      else this.set({ step: "failed", failure: info });
      return;
    }
    this.#password = null;
    this.#show();
  }

  async #findOutHowToConfirm(): Promise<void> {
    // Who cannot be told is asked for the password: the server says then what is wrong with that.
    this.#asksPassword = await this.#options.security.asksPassword().catch(() => true);
    const snapshot = this.getSnapshot();
    if (snapshot.step === "password") this.#ask(snapshot);
  }

  #ask({ busy, failure }: { readonly busy: boolean; readonly failure: FailureInfo | null }): void {
    this.set({ step: "password", busy, failure, asksPassword: this.#asksPassword });
  }

  #show(): void {
    this.set({ step: "show", words: this.#words() });
  }

  #words(): readonly string[] {
    return this.#code.split(" ");
  }
}
