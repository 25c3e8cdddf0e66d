/** A new password for somebody who forgot theirs. */
import { Failure } from "../errors";
import { exchange, failureOf, type RequestOptions, stringField } from "./exchange";
import { isEmailAddress, type RequestedMail, requestMail, submitEmailCode } from "./mail";
import { EMAIL_STAGE, SIGN_UP_MEANINGS } from "./uia";

/** One password reset: `start()`, `submitCode()`, `setPassword()`. */
export class PasswordReset {
  readonly #baseUrl: string;
  readonly #address: string;
  readonly #options: RequestOptions;
  readonly #clientSecret = crypto.randomUUID();
  #email: RequestedMail | null = null;
  #sendAttempt = 0;

  constructor(options: RequestOptions & { readonly baseUrl: string; readonly email: string }) {
    this.#baseUrl = options.baseUrl;
    this.#address = options.email.trim().toLowerCase();
    this.#options = options;
  }

  /** Sends the mail; call again to send another. Rejects with `email-invalid`, `email-unknown`. */
  async start(): Promise<void> {
    if (!isEmailAddress(this.#address)) throw new Failure("email-invalid");
    this.#sendAttempt += 1;
    this.#email = await requestMail(
      this.#baseUrl,
      "account/password",
      { email: this.#address, clientSecret: this.#clientSecret, attempt: this.#sendAttempt },
      this.#options,
    );
  }

  /** Posts the code from the mail. Rejects with `code-wrong`, `code-expired`. */
  async submitCode(code: string): Promise<void> {
    if (this.#email === null) throw new Failure("code-expired");
    await submitEmailCode(this.#baseUrl, this.#email, this.#clientSecret, code, this.#options);
  }

  /**
   * Sets the new password. Rejects with `password-weak`, `email-not-confirmed`.
   * @param signOutDevices signs out every device; their histories then need the recovery code.
   */
  async setPassword(password: string, signOutDevices: boolean): Promise<void> {
    if (this.#email === null) throw new Failure("code-expired");
    const url = `${this.#baseUrl}/_matrix/client/v3/account/password`;
    const threepid_creds = { sid: this.#email.sid, client_secret: this.#clientSecret };
    const change = { new_password: password, logout_devices: signOutDevices };
    const first = await exchange("POST", url, change, this.#options);
    if (first.status === 200) return;
    if (first.status !== 401) throw failureOf(first, SIGN_UP_MEANINGS);
    const session = stringField(first.body, "session");
    const auth = { type: EMAIL_STAGE, threepid_creds, ...(session === null ? {} : { session }) };
    const second = await exchange("POST", url, { ...change, auth }, this.#options);
    if (second.status === 200) return;
    if (second.status === 401) throw new Failure("email-not-confirmed", { status: 401 });
    throw failureOf(second);
  }
}
