import { PasswordReset, signIn } from "../matrix/account";
import { Countdown } from "./Countdown";
import { type FormSnapshot, FormViewModel } from "./FormViewModel";
import { type PasswordProblem, passwordProblem } from "./passwordRule";
import type { AccountOptions } from "./SignInViewModel";
import { resendAfterSeconds } from "./SignUpViewModel";

/** Which question of the reset is asked. */
export type PasswordResetQuestion = "email" | "code" | "password" | "done";

/** A new password by mail, one question at a time. */
export interface PasswordResetSnapshot extends FormSnapshot {
  readonly question: PasswordResetQuestion;
  readonly email: string;
  readonly code: string;
  readonly password: string;
  readonly passwordProblem: PasswordProblem;
  /** Also sign every device out: for somebody who fears that another person knows the password. */
  readonly signOutDevices: boolean;
  readonly resendSeconds: number;
  readonly resent: boolean;
}

/** "Forgot password": a code by mail, then a new password, then signed in. */
export class PasswordResetViewModel extends FormViewModel<PasswordResetSnapshot> {
  readonly #options: AccountOptions;
  readonly #resend: Countdown;
  #reset: PasswordReset | null = null;

  constructor(options: AccountOptions, email = "") {
    super(
      {
        busy: false,
        failure: null,
        waitSeconds: 0,
        question: "email",
        email,
        code: "",
        password: "",
        passwordProblem: "short",
        signOutDevices: false,
        resendSeconds: 0,
        resent: false,
      },
      options.environment,
    );
    this.#options = options;
    this.#resend = new Countdown(options.environment, (resendSeconds) => this.patch({ resendSeconds }));
    this.own(() => this.#resend.stop());
  }

  setEmail(email: string): void {
    this.patch({ email, failure: null });
  }

  setCode(code: string): void {
    this.patch({ code, ...(code === "" ? {} : { failure: null }) });
  }

  setPassword(password: string): void {
    this.patch({ password, passwordProblem: passwordProblem(password, this.getSnapshot().email), failure: null });
  }

  setSignOutDevices(signOutDevices: boolean): void {
    this.patch({ signOutDevices });
  }

  async submitEmail(): Promise<void> {
    const { email } = this.getSnapshot();
    if (email.trim() === "") return;
    const reset = new PasswordReset({ baseUrl: this.#options.baseUrl, email });
    const sent = await this.attempt(() => reset.start().then(() => true));
    if (!sent) return;
    this.#reset = reset;
    this.patch({ question: "code", email: email.trim(), code: "", resent: false });
    this.#resend.start(resendAfterSeconds * 1000);
  }

  async submitCode(): Promise<void> {
    const { code } = this.getSnapshot();
    const reset = this.#reset;
    if (!reset || code.length < 6) return;
    const accepted = await this.attempt(() => reset.submitCode(code).then(() => true));
    if (accepted) this.patch({ question: "password" });
    else if (this.getSnapshot().failure?.kind === "code-wrong") this.patch({ code: "" });
  }

  async resendMail(): Promise<void> {
    const reset = this.#reset;
    if (!reset || this.getSnapshot().resendSeconds > 0) return;
    const sent = await this.attempt(() => reset.start().then(() => true));
    if (!sent) return;
    this.patch({ resent: true, code: "" });
    this.#resend.start(resendAfterSeconds * 1000);
  }

  /** Sets the password and signs in with it. */
  async submitPassword(): Promise<void> {
    const { email, password, passwordProblem: problem, signOutDevices } = this.getSnapshot();
    const reset = this.#reset;
    if (!reset || problem !== null) return;
    const { baseUrl, deviceName } = this.#options;
    const changed = await this.attempt(() => reset.setPassword(password, signOutDevices).then(() => true));
    if (!changed) {
      const { failure } = this.getSnapshot();
      if (failure?.kind === "email-not-confirmed" || failure?.kind === "code-expired") this.patch({ question: "code", code: "" });
      return;
    }
    this.patch({ question: "done" });
    const credentials = await this.attempt(() => signIn({ baseUrl, identifier: email, password, deviceName }));
    if (credentials) await this.#options.onSignedIn(credentials, password);
  }

  /** Back to the first question, to correct the address. */
  startOver(): void {
    this.#reset = null;
    this.#resend.stop();
    this.patch({
      question: "email",
      code: "",
      password: "",
      passwordProblem: "short",
      failure: null,
      resendSeconds: 0,
      resent: false,
    });
  }
}
