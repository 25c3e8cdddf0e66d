/** Signing up. */
import { Failure } from "../errors";
import type { Credentials } from "../types";
import { credentialsOf } from "./credentials";
import { type Answer, errcodeOf, exchange, failureOf, type Json, type RequestOptions } from "./exchange";
import { isEmailAddress, type RequestedMail, requestMail, submitEmailCode } from "./mail";
import {
  DUMMY_STAGE,
  EMAIL_STAGE,
  nextStage,
  SIGN_UP_MEANINGS,
  stageFailure,
  TERMS_STAGE,
  type TermsDocument,
  TOKEN_STAGE,
  termsOf,
  type UiaState,
  uiaOf,
} from "./uia";

/** What the server still asks for before it makes the account. */
export type SignUpStep =
  /** A code was mailed: `submitCode`, or `checkLink` once the link was opened. */
  | { readonly kind: "email-code"; readonly email: string }
  /** A registration token handed out by the administration: `submitToken`. */
  | { readonly kind: "token" }
  /** Terms to agree to: `acceptTerms`. */
  | { readonly kind: "terms"; readonly documents: readonly TermsDocument[] }
  /** No password was given yet, and the next stage may complete the account: `setPassword`. */
  | { readonly kind: "password" }
  | { readonly kind: "done"; readonly credentials: Credentials };

/** What a person types to sign up. */
export interface SignUpOptions extends RequestOptions {
  readonly baseUrl: string;
  readonly email: string;
  /** Leave out to give it by `setPassword` when the `password` step comes. */
  readonly password?: string;
  /** Set on the profile once the account exists; leave out to keep what the server derives from the address. */
  readonly displayName?: string;
  readonly deviceName: string;
  readonly language: string;
}

/**
 * One sign-up, from the form to the credentials, by user-interactive authentication.
 * Call `start()`, then whatever the returned step asks for, until `done`.
 */
export class SignUp {
  readonly #options: SignUpOptions;
  readonly #clientSecret = crypto.randomUUID();
  #uia: UiaState = { session: null, completed: [], flows: [], params: {} };
  #email: RequestedMail | null = null;
  #sendAttempt = 0;
  #password: string | null;
  /** The stage that waits for the password. */
  #held: Json | null = null;

  constructor(options: SignUpOptions) {
    this.#password = options.password ?? null;
    this.#options = { ...options, email: options.email.trim().toLowerCase() };
  }

  /**
   * Asks the server for its stages, and for the mail if it wants the address confirmed.
   * Rejects with `email-invalid`, `email-in-use`, `email-not-allowed`, `password-weak`,
   * `registration-closed`, `unsupported-step`, or a general failure.
   */
  async start(): Promise<SignUpStep> {
    if (!isEmailAddress(this.#options.email)) throw new Failure("email-invalid");
    return this.#register(null);
  }

  /** Sends the mail again. */
  async resendMail(): Promise<void> {
    await this.#requestMail();
  }

  /** Posts the code from the mail. Rejects with `code-wrong`, `code-expired`. */
  async submitCode(code: string): Promise<SignUpStep> {
    const email = this.#email;
    if (email === null) throw new Failure("code-expired");
    await submitEmailCode(this.#options.baseUrl, email, this.#clientSecret, code, this.#options);
    return this.#register(this.#emailAuth(email.sid));
  }

  /** Goes on if the link in the mail was opened; else rejects with `email-not-confirmed`. */
  async checkLink(): Promise<SignUpStep> {
    const email = this.#email;
    if (email === null) throw new Failure("code-expired");
    const stage = this.#emailAuth(email.sid);
    if (this.#password !== null) return this.#register(stage);
    // Without a password no account can come of it: a confirmed address shows by the password being what is missing.
    const answer = await this.#post(stage);
    if (errcodeOf(answer.body) !== "M_MISSING_PARAM") throw new Failure("email-not-confirmed", { status: answer.status });
    this.#held = stage;
    return { kind: "password" };
  }

  /** Rejects with `token-wrong`. */
  async submitToken(token: string): Promise<SignUpStep> {
    return this.#register({ type: TOKEN_STAGE, token: token.trim() });
  }

  async acceptTerms(): Promise<SignUpStep> {
    return this.#register({ type: TERMS_STAGE });
  }

  /** Gives the password and goes on. Rejects with `password-weak` (call again with another) and like the step that waited. */
  async setPassword(password: string): Promise<SignUpStep> {
    this.#password = password;
    return this.#register(this.#held);
  }

  #emailAuth(sid: string): Json {
    return { type: EMAIL_STAGE, threepid_creds: { sid, client_secret: this.#clientSecret } };
  }

  /** One round of `POST /register`; answers 401 lead to the next stage. */
  async #register(stage: Json | null): Promise<SignUpStep> {
    if (this.#password === null && stage !== null) {
      this.#held = stage;
      return { kind: "password" };
    }
    const session = this.#uia.session;
    const answer = await this.#post(stage);
    if (answer.status === 200) return this.#finish(answer.body);
    if (answer.status !== 401 || !Array.isArray(answer.body["flows"])) throw failureOf(answer, SIGN_UP_MEANINGS);

    const before = this.#uia.completed;
    this.#uia = uiaOf(answer.body, session);
    const errcode = errcodeOf(answer.body);
    const attempted = typeof stage?.["type"] === "string" ? stage["type"] : null;
    // The stage that was just tried is still open: tell why.
    if (attempted !== null && !this.#uia.completed.includes(attempted) && !before.includes(attempted)) {
      throw new Failure(stageFailure(attempted), { status: 401, ...(errcode === undefined ? {} : { errcode }) });
    }
    return this.#nextStep();
  }

  /** The request itself. It says the same user name in every round: servers tie a session to it. */
  #post(stage: Json | null): Promise<Answer> {
    const { baseUrl, deviceName, email } = this.#options;
    const session = this.#uia.session;
    const auth = stage === null ? undefined : { ...stage, ...(session === null ? {} : { session }) };
    return exchange(
      "POST",
      `${baseUrl}/_matrix/client/v3/register`,
      {
        username: userNameOf(email),
        ...(this.#password === null ? {} : { password: this.#password }),
        initial_device_display_name: deviceName,
        ...(auth === undefined ? {} : { auth }),
      },
      this.#options,
    );
  }

  async #nextStep(): Promise<SignUpStep> {
    switch (nextStage(this.#uia)) {
      case EMAIL_STAGE:
        if (this.#email === null) await this.#requestMail();
        return { kind: "email-code", email: this.#options.email };
      case TOKEN_STAGE:
        return { kind: "token" };
      case TERMS_STAGE:
        return { kind: "terms", documents: termsOf(this.#uia.params, this.#options.language) };
      case DUMMY_STAGE:
        return this.#register({ type: DUMMY_STAGE });
      default:
        throw new Failure("unsupported-step");
    }
  }

  async #requestMail(): Promise<void> {
    this.#sendAttempt += 1;
    this.#email = await requestMail(
      this.#options.baseUrl,
      "register",
      { email: this.#options.email, clientSecret: this.#clientSecret, attempt: this.#sendAttempt },
      this.#options,
    );
  }

  async #finish(body: Json): Promise<SignUpStep> {
    const credentials = credentialsOf(this.#options.baseUrl, body);
    const name = this.#options.displayName?.trim();
    if (name) {
      const userId = encodeURIComponent(credentials.userId);
      // The account exists: a name that cannot be set now is set later in the settings.
      await exchange(
        "PUT",
        `${this.#options.baseUrl}/_matrix/client/v3/profile/${userId}/displayname`,
        { displayname: name },
        { ...this.#options, accessToken: credentials.accessToken },
      ).catch(() => undefined);
    }
    return { kind: "done", credentials };
  }
}

/**
 * The part before the @ as a user name. A server that confirms addresses makes its own and ignores this one; where there is
 * no address to go by, it is what the person can remember.
 */
function userNameOf(email: string): string {
  return (email.split("@")[0] ?? "").replace(/[^a-z0-9._=+-]/g, "-");
}
