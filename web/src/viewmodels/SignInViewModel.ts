import { type IdentityProvider, identityProviders, providerAddress, signIn, signInWithToken } from "../matrix/account";
import type { Credentials } from "../matrix/types";
import type { Environment } from "./environment";
import { type FormSnapshot, FormViewModel } from "./FormViewModel";

/** The sign-in form. */
export interface SignInSnapshot extends FormSnapshot {
  readonly email: string;
  readonly password: string;
  /** Services elsewhere where one can sign in. */
  readonly providers: readonly IdentityProvider[];
}

/** What the forms before sign-in need. */
export interface AccountOptions {
  readonly environment: Environment;
  /** Base URL of the client API. */
  readonly baseUrl: string;
  /** What this device is called in the list of sessions. */
  readonly deviceName: string;
  /** Takes over once there is a session. */
  readonly onSignedIn: (credentials: Credentials, password: string) => Promise<void>;
}

/** Sign-in with the work e-mail address and the password. */
export class SignInViewModel extends FormViewModel<SignInSnapshot> {
  readonly #options: AccountOptions;

  constructor(options: AccountOptions, email = "") {
    super({ busy: false, failure: null, waitSeconds: 0, email, password: "", providers: [] }, options.environment);
    this.#options = options;
  }

  /**
   * When the form opens: ends a sign-in elsewhere, with the token that it came back with, or else finds out where else
   * one can sign in. Without an answer the form alone is shown.
   */
  async begin(loginToken: string | null): Promise<void> {
    const { baseUrl, deviceName } = this.#options;
    if (loginToken !== null) {
      const credentials = await this.attempt(() => signInWithToken({ baseUrl, loginToken, deviceName }));
      // Nobody typed a password.
      if (credentials) return this.#options.onSignedIn(credentials, "");
    }
    const providers = await identityProviders(baseUrl).catch(() => []);
    if (!this.disposed) this.patch({ providers });
  }

  /** Where the browser goes to sign in at a service elsewhere, from where it comes back with `mark`. */
  addressOf(provider: IdentityProvider, mark: string): string {
    const { baseUrl } = this.#options;
    const query = new URLSearchParams({ state: mark });
    return providerAddress(baseUrl, provider.id, `${baseUrl}/sign-in?${query}`);
  }

  setEmail(email: string): void {
    this.patch({ email, failure: this.#kept() });
  }

  setPassword(password: string): void {
    this.patch({ password, failure: this.#kept() });
  }

  /** Signs in with what was typed. A wrong password is emptied, the address stays. */
  async submit(): Promise<void> {
    const { email, password } = this.getSnapshot();
    if (email.trim() === "" || password === "") return;
    const { baseUrl, deviceName } = this.#options;
    const credentials = await this.attempt(() => signIn({ baseUrl, identifier: email, password, deviceName }));
    if (credentials) await this.#options.onSignedIn(credentials, password);
    else if (this.getSnapshot().failure?.kind === "wrong-credentials") this.patch({ password: "" });
  }

  /** An error goes when the person types; a wait stays. */
  #kept() {
    const { failure } = this.getSnapshot();
    return failure?.kind === "rate-limited" ? failure : null;
  }
}
