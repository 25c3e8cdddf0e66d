/**
 * Renews the access token where the server gave a refresh token (this client
 * never asks for one). Wraps `fetch` below the SDK, which then sees only valid
 * tokens.
 */
import type { Credentials } from "../types";

/** Keeps the present tokens and the `fetch` that uses them. */
export class TokenKeeper {
  readonly #fetch: typeof globalThis.fetch;
  readonly #save: (credentials: Credentials) => Promise<void>;
  #credentials: Credentials;
  #renewal: Promise<boolean> | null = null;

  constructor(fetchFn: typeof globalThis.fetch, credentials: Credentials, save: (credentials: Credentials) => Promise<void>) {
    this.#fetch = fetchFn;
    this.#credentials = credentials;
    this.#save = save;
  }

  get accessToken(): string {
    return this.#credentials.accessToken;
  }

  /** Sends with the present token; renews it once if the server says that it has expired. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const sentWith = this.#credentials.accessToken;
    const response = await this.#fetch(input, this.#withToken(init));
    if (response.status !== 401 || this.#credentials.refreshToken === undefined) return response;
    const answer: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    if ((answer as { errcode?: unknown } | null)?.errcode !== "M_UNKNOWN_TOKEN") return response;
    const renewed = this.#credentials.accessToken !== sentWith || (await this.#renew());
    return renewed ? this.#fetch(input, this.#withToken(init)) : response;
  };

  #withToken(init: RequestInit | undefined): RequestInit | undefined {
    const headers = new Headers(init?.headers);
    if (!headers.has("Authorization")) return init;
    headers.set("Authorization", `Bearer ${this.#credentials.accessToken}`);
    return { ...init, headers };
  }

  /** One renewal at a time, shared by all requests that wait for it. */
  #renew(): Promise<boolean> {
    this.#renewal ??= this.#askForTokens().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #askForTokens(): Promise<boolean> {
    const response = await this.#fetch(`${this.#credentials.baseUrl}/_matrix/client/v3/refresh`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token: this.#credentials.refreshToken }),
    }).catch(() => null);
    if (response === null || !response.ok) return false;
    const tokens = (await response.json().catch(() => null)) as {
      access_token?: unknown;
      refresh_token?: unknown;
    } | null;
    if (typeof tokens?.access_token !== "string") return false;
    this.#credentials = {
      ...this.#credentials,
      accessToken: tokens.access_token,
      ...(typeof tokens.refresh_token === "string" ? { refreshToken: tokens.refresh_token } : {}),
    };
    await this.#save(this.#credentials);
    return true;
  }
}
