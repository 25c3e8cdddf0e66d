import { SignUp, type SignUpStep, type TermsDocument } from "../matrix/account";
import { Countdown } from "./Countdown";
import { type FormSnapshot, FormViewModel } from "./FormViewModel";
import { type PasswordProblem, passwordProblem } from "./passwordRule";
import type { AccountOptions } from "./SignInViewModel";

/** Seconds before another mail may be asked for. */
export const resendAfterSeconds = 30;

/** Which question of the sign-up is asked. */
export type SignUpQuestion = "email" | "code" | "token" | "terms" | "password" | "done";

/** The sign-up, one question at a time. */
export interface SignUpSnapshot extends FormSnapshot {
  readonly question: SignUpQuestion;
  readonly email: string;
  readonly code: string;
  readonly token: string;
  readonly documents: readonly TermsDocument[];
  readonly password: string;
  /** What is wrong with the password; null if it is accepted. */
  readonly passwordProblem: PasswordProblem;
  /** Seconds until another mail may be asked for. */
  readonly resendSeconds: number;
  /** Another mail has just left. */
  readonly resent: boolean;
}

/** Sign-up by e-mail: the server says which questions it asks, and in which order. */
export class SignUpViewModel extends FormViewModel<SignUpSnapshot> {
  readonly #options: AccountOptions & { readonly language: string };
  readonly #resend: Countdown;
  #signUp: SignUp | null = null;

  constructor(options: AccountOptions & { readonly language: string }, email = "") {
    super(
      {
        busy: false,
        failure: null,
        waitSeconds: 0,
        question: "email",
        email,
        code: "",
        token: "",
        documents: [],
        password: "",
        passwordProblem: "short",
        resendSeconds: 0,
        resent: false,
      },
      options.environment,
    );
    this.#options = options;
    this.#resend = new Countdown(options.environment, (resendSeconds) => this.patch({ resendSeconds }));
    this.own(() => this.#resend.stop());
    this.own(
      options.environment.attention.subscribe(() => {
        if (options.environment.attention.getSnapshot()) void this.#checkLink();
      }),
    );
  }

  setEmail(email: string): void {
    this.patch({ email, failure: null });
  }

  setCode(code: string): void {
    this.patch({ code, ...(code === "" ? {} : { failure: null }) });
  }

  setToken(token: string): void {
    this.patch({ token, failure: null });
  }

  setPassword(password: string): void {
    this.patch({ password, passwordProblem: passwordProblem(password, this.getSnapshot().email), failure: null });
  }

  /** Asks the server what it wants for this address; the mail leaves if it wants the address confirmed. */
  async submitEmail(): Promise<void> {
    const { email } = this.getSnapshot();
    if (email.trim() === "") return;
    const { baseUrl, deviceName, language } = this.#options;
    const signUp = new SignUp({ baseUrl, email, deviceName, language });
    const step = await this.attempt(() => signUp.start());
    if (!step) return;
    this.#signUp = signUp;
    await this.#ask(step);
  }

  /** Posts the six digits. A wrong code is emptied for the next try. */
  async submitCode(): Promise<void> {
    const { code } = this.getSnapshot();
    const signUp = this.#signUp;
    if (!signUp || code.length < 6) return;
    const step = await this.attempt(() => signUp.submitCode(code));
    if (step) await this.#ask(step);
    else if (this.getSnapshot().failure?.kind === "code-wrong") this.patch({ code: "" });
  }

  /** The person is back at this page: goes on if the mailed link was opened meanwhile, and says nothing if not. */
  async #checkLink(): Promise<void> {
    const { question, code, busy, waitSeconds } = this.getSnapshot();
    const signUp = this.#signUp;
    if (!signUp || question !== "code" || code !== "" || busy || waitSeconds > 0) return;
    const step = await signUp.checkLink().catch(() => null);
    if (this.getSnapshot().question === "code") await this.#ask(step);
  }

  /** Asks for another mail; the code of the first stays valid. */
  async resendMail(): Promise<void> {
    const signUp = this.#signUp;
    if (!signUp || this.getSnapshot().resendSeconds > 0) return;
    const sent = await this.attempt(() => signUp.resendMail().then(() => true));
    if (!sent) return;
    this.patch({ resent: true, code: "" });
    this.#resend.start(resendAfterSeconds * 1000);
  }

  async submitToken(): Promise<void> {
    const { token } = this.getSnapshot();
    const signUp = this.#signUp;
    if (!signUp || token.trim() === "") return;
    await this.#ask(await this.attempt(() => signUp.submitToken(token)));
  }

  async acceptTerms(): Promise<void> {
    const signUp = this.#signUp;
    if (signUp) await this.#ask(await this.attempt(() => signUp.acceptTerms()));
  }

  /** Gives the password and, if nothing else is asked, makes the account. */
  async submitPassword(): Promise<void> {
    const { password, passwordProblem: problem } = this.getSnapshot();
    const signUp = this.#signUp;
    if (!signUp || problem !== null) return;
    const step = await this.attempt(() => signUp.setPassword(password));
    if (step) return this.#ask(step);
    // The stage before is what the server refuses now: back to its question, with the reason.
    const { failure } = this.getSnapshot();
    if (failure?.kind === "token-wrong") this.patch({ question: "token", token: "" });
    else if (failure?.kind === "email-not-confirmed" || failure?.kind === "code-expired")
      this.patch({ question: "code", code: "" });
  }

  /** Back to the first question, to correct the address. */
  startOver(): void {
    this.#signUp = null;
    this.#resend.stop();
    this.patch({
      question: "email",
      code: "",
      token: "",
      password: "",
      passwordProblem: "short",
      failure: null,
      resendSeconds: 0,
      resent: false,
    });
  }

  async #ask(step: SignUpStep | null): Promise<void> {
    switch (step?.kind) {
      case undefined:
        return;
      case "email-code":
        this.patch({ question: "code", email: step.email, code: "", resent: false });
        this.#resend.start(resendAfterSeconds * 1000);
        return;
      case "token":
        this.patch({ question: "token" });
        return;
      case "terms":
        this.patch({ question: "terms", documents: step.documents });
        return;
      case "password":
        this.patch({ question: "password" });
        return;
      case "done":
        this.patch({ question: "done" });
        await this.#options.onSignedIn(step.credentials, this.getSnapshot().password);
    }
  }
}
