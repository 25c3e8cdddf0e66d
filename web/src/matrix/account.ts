/**
 * What happens before sign-in: finding the server, signing up, signing in,
 * resetting the password. Plain `fetch`, no SDK.
 */
import { Failure, type FailureKind, kindOfErrcode } from "./errors";
import type { Credentials } from "./types";

/** A server that answered as a Matrix server. */
export interface Homeserver {
  /** Base URL of the client API, without a trailing slash. */
  readonly baseUrl: string;
  /** What `GET /_matrix/client/versions` lists. */
  readonly versions: readonly string[];
}

/** Options of each request. */
export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Language of mails and terms, `fr` or `en`; the browser's by default. */
  readonly language?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** One request; resolves with any JSON answer below 500 that is not a rate limit. */
async function exchange(
  method: "GET" | "POST" | "PUT",
  url: string,
  body: Json | null,
  options: RequestOptions & { readonly accessToken?: string },
): Promise<Answer> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: {
        ...(body === null ? {} : { "Content-Type": "application/json" }),
        ...(options.language ? { "Accept-Language": options.language } : {}),
        ...(options.accessToken ? { Authorization: `Bearer ${options.accessToken}` } : {}),
      },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw new Failure("cancelled", {}, error);
    if (timeout.aborted) throw new Failure("timeout", {}, error);
    throw new Failure("network", {}, error);
  }
  const parsed = parseObject(text);
  if (response.status === 429) throw rateLimited(response, parsed ?? {});
  if (response.status >= 500) throw new Failure("server", { status: response.status });
  if (parsed === null) {
    throw new Failure(response.ok ? "not-a-server" : "server", { status: response.status });
  }
  return { status: response.status, body: parsed };
}

function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

function rateLimited(response: Response, body: Json): Failure {
  const header = response.headers.get("Retry-After");
  const seconds = header === null ? Number.NaN : Number(header);
  const fromBody = body["retry_after_ms"];
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : typeof fromBody === "number" ? fromBody : 5000;
  return new Failure("rate-limited", { retryAfterMs, status: 429, errcode: "M_LIMIT_EXCEEDED" });
}

function errcodeOf(body: Json): string | undefined {
  const code = body["errcode"];
  return typeof code === "string" ? code : undefined;
}

/** The failure that an answer means; `overrides` names what a code means in this context. */
function failureOf(answer: Answer, overrides: Readonly<Record<string, FailureKind>> = {}): Failure {
  const errcode = errcodeOf(answer.body);
  const kind = (errcode === undefined ? undefined : overrides[errcode]) ?? kindOfErrcode(errcode, answer.status);
  return new Failure(kind, {
    status: answer.status,
    ...(errcode === undefined ? {} : { errcode }),
  });
}

function stringField(body: Json, name: string): string | null {
  const value = body[name];
  return typeof value === "string" && value !== "" ? value : null;
}

// ------------------------------------------------------------- discovery

/**
 * Finds the client API behind an address: a server name (`interieur.example`), or a URL.
 * Follows `/.well-known/matrix/client` (a missing one means: the address itself) and asks for
 * the versions. Rejects with `not-a-server`, `network`, `timeout`.
 */
export async function discoverHomeserver(address: string, options: RequestOptions = {}): Promise<Homeserver> {
  const origin = originOf(address);
  const baseUrl = (await wellKnownBaseUrl(origin, options)) ?? origin;
  const answer = await exchange("GET", `${baseUrl}/_matrix/client/versions`, null, options);
  const versions = answer.body["versions"];
  if (answer.status !== 200 || !Array.isArray(versions)) throw new Failure("not-a-server", { status: answer.status });
  return { baseUrl, versions: versions.filter((version) => typeof version === "string") };
}

function originOf(address: string): string {
  const text = address.trim();
  try {
    return new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`).origin;
  } catch (error) {
    throw new Failure("not-a-server", {}, error);
  }
}

async function wellKnownBaseUrl(origin: string, options: RequestOptions): Promise<string | null> {
  let answer: Answer;
  try {
    answer = await exchange("GET", `${origin}/.well-known/matrix/client`, null, options);
  } catch (error) {
    // No document, or one that is not JSON (a web page): the address itself is the server.
    if (error instanceof Failure && (error.kind === "not-a-server" || error.kind === "server")) return null;
    throw error;
  }
  if (answer.status !== 200) return null;
  const homeserver = answer.body["m.homeserver"];
  const base = typeof homeserver === "object" && homeserver !== null ? (homeserver as Json)["base_url"] : undefined;
  if (typeof base !== "string") return null;
  try {
    return new URL(base).href.replace(/\/+$/, "");
  } catch (error) {
    throw new Failure("not-a-server", {}, error);
  }
}

/** Whether the server offers sign-in by password. */
export async function offersPasswordLogin(baseUrl: string, options: RequestOptions = {}): Promise<boolean> {
  const answer = await exchange("GET", `${baseUrl}/_matrix/client/v3/login`, null, options);
  if (answer.status !== 200) throw failureOf(answer);
  const flows = answer.body["flows"];
  return Array.isArray(flows) && flows.some((flow: unknown) => (flow as Json | null)?.["type"] === "m.login.password");
}

// --------------------------------------------------------------- sign-in

/** What a person types to sign in. */
export interface LoginOptions extends RequestOptions {
  readonly baseUrl: string;
  /** E-mail address, or Matrix user id, or its local part. */
  readonly identifier: string;
  readonly password: string;
  /** Shown in the list of devices, e.g. "Firefox, Windows". */
  readonly deviceName: string;
  /** After the server asked for the password again (`expired`): the device of the stored credentials. */
  readonly deviceId?: string;
}

/**
 * `POST /login` with `m.login.password`.
 * Rejects with `wrong-credentials`, `account-deactivated`, `account-suspended`, `rate-limited`, `network`, `timeout`, `server`.
 */
export async function signIn(options: LoginOptions): Promise<Credentials> {
  const answer = await exchange(
    "POST",
    `${options.baseUrl}/_matrix/client/v3/login`,
    {
      type: "m.login.password",
      identifier: loginIdentifier(options.identifier),
      password: options.password,
      initial_device_display_name: options.deviceName,
    },
    options,
  );
  if (answer.status !== 200) {
    throw failureOf(answer, {
      M_FORBIDDEN: "wrong-credentials",
      M_UNKNOWN: "wrong-credentials",
      M_INVALID_USERNAME: "wrong-credentials",
    });
  }
  return credentialsOf(options.baseUrl, answer.body);
}

function loginIdentifier(typed: string): Json {
  const text = typed.trim();
  const isEmail = /^[^@\s]+@[^@\s]+$/.test(text);
  return isEmail ? { type: "m.id.thirdparty", medium: "email", address: text.toLowerCase() } : { type: "m.id.user", user: text };
}

function credentialsOf(baseUrl: string, body: Json): Credentials {
  const userId = stringField(body, "user_id");
  const deviceId = stringField(body, "device_id");
  const accessToken = stringField(body, "access_token");
  if (userId === null || deviceId === null || accessToken === null) throw new Failure("server");
  const refreshToken = stringField(body, "refresh_token");
  return { baseUrl, userId, deviceId, accessToken, ...(refreshToken === null ? {} : { refreshToken }) };
}

// --------------------------------------------------------------- sign-up

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

/** A document of the `m.login.terms` stage. */
export interface TermsDocument {
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

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

/** The state of a sign-up as plain data (holds the password: keep it in memory only). */
interface UiaState {
  session: string | null;
  completed: readonly string[];
  flows: readonly (readonly string[])[];
  params: Json;
}

const EMAIL_STAGE = "m.login.email.identity";
const TOKEN_STAGE = "m.login.registration_token";
const TERMS_STAGE = "m.login.terms";
const DUMMY_STAGE = "m.login.dummy";
const KNOWN_STAGES: ReadonlySet<string> = new Set([EMAIL_STAGE, TOKEN_STAGE, TERMS_STAGE, DUMMY_STAGE]);

const SIGN_UP_MEANINGS: Readonly<Record<string, FailureKind>> = {
  M_FORBIDDEN: "registration-closed",
  M_UNAUTHORIZED: "email-not-confirmed",
};

/**
 * One sign-up, from the form to the credentials, by user-interactive authentication.
 * Call `start()`, then whatever the returned step asks for, until `done`.
 */
export class SignUp {
  readonly #options: SignUpOptions;
  readonly #clientSecret = crypto.randomUUID();
  #uia: UiaState = { session: null, completed: [], flows: [], params: {} };
  #email: { readonly sid: string; readonly submitUrl: string | null } | null = null;
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
    if (!/^[^@\s]+@[^@\s]+$/.test(this.#options.email)) throw new Failure("email-invalid");
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

function stageFailure(stage: string): FailureKind {
  if (stage === EMAIL_STAGE) return "email-not-confirmed";
  if (stage === TOKEN_STAGE) return "token-wrong";
  return "unsupported-step";
}

function uiaOf(body: Json, session: string | null): UiaState {
  const flows = Array.isArray(body["flows"]) ? body["flows"] : [];
  const completed = Array.isArray(body["completed"]) ? body["completed"] : [];
  const params = body["params"];
  return {
    session: stringField(body, "session") ?? session,
    completed: completed.filter((stage) => typeof stage === "string"),
    flows: flows.map((flow: unknown) => {
      const stages = (flow as Json | null)?.["stages"];
      return Array.isArray(stages) ? stages.filter((stage) => typeof stage === "string") : [];
    }),
    params: typeof params === "object" && params !== null ? (params as Json) : {},
  };
}

/** The first open stage of the flow with the fewest steps that this client can walk. */
function nextStage(uia: UiaState): string | null {
  const walkable = uia.flows.filter((stages) =>
    stages.every((stage) => KNOWN_STAGES.has(stage) || uia.completed.includes(stage)),
  );
  const open = walkable
    .map((stages) => stages.filter((stage) => !uia.completed.includes(stage)))
    .sort((a, b) => a.length - b.length);
  return open[0]?.[0] ?? null;
}

function termsOf(params: Json, language: string): readonly TermsDocument[] {
  const terms = params[TERMS_STAGE] as Json | undefined;
  const policies = (terms?.["policies"] ?? {}) as Readonly<Record<string, Json>>;
  return Object.entries(policies).flatMap(([id, policy]) => {
    const localised = (policy[language] ?? policy["en"] ?? Object.values(policy).find((v) => typeof v === "object")) as
      | Json
      | undefined;
    const url = localised === undefined ? null : stringField(localised, "url");
    if (url === null || localised === undefined || !/^https?:\/\//.test(url)) return [];
    return [{ id, url, name: stringField(localised, "name") ?? id }];
  });
}

// ----------------------------------------------------- mail confirmation

async function requestMail(
  baseUrl: string,
  purpose: "register" | "account/password",
  mail: { readonly email: string; readonly clientSecret: string; readonly attempt: number },
  options: RequestOptions,
): Promise<{ readonly sid: string; readonly submitUrl: string | null }> {
  const answer = await exchange(
    "POST",
    `${baseUrl}/_matrix/client/v3/${purpose}/email/requestToken`,
    { email: mail.email, client_secret: mail.clientSecret, send_attempt: mail.attempt },
    options,
  );
  if (answer.status !== 200) {
    throw failureOf(answer, { M_INVALID_PARAM: "email-invalid", M_FORBIDDEN: "email-not-allowed" });
  }
  const sid = stringField(answer.body, "sid");
  if (sid === null) throw new Failure("server");
  return { sid, submitUrl: stringField(answer.body, "submit_url") };
}

async function submitEmailCode(
  baseUrl: string,
  email: { readonly sid: string; readonly submitUrl: string | null },
  clientSecret: string,
  code: string,
  options: RequestOptions,
): Promise<void> {
  if (email.submitUrl === null) throw new Failure("unsupported-step");
  // The server names its own page, perhaps by another of its addresses; the page's policy allows only the one in use.
  const named = new URL(email.submitUrl, baseUrl);
  const url = new URL(`${named.pathname}${named.search}`, baseUrl).href;
  const digits = code.replace(/[\s\u00a0\u202f-]/g, "");
  const answer = await exchange("POST", url, { sid: email.sid, client_secret: clientSecret, token: digits }, options);
  if (answer.status === 200 && answer.body["success"] !== false) return;
  const errcode = errcodeOf(answer.body);
  const expired = errcode === "M_NO_VALID_SESSION" || errcode === "M_SESSION_EXPIRED" || answer.status === 410;
  throw new Failure(expired ? "code-expired" : "code-wrong", { status: answer.status });
}

// -------------------------------------------------------- password reset

/** One password reset: `start()`, `submitCode()`, `setPassword()`. */
export class PasswordReset {
  readonly #baseUrl: string;
  readonly #address: string;
  readonly #options: RequestOptions;
  readonly #clientSecret = crypto.randomUUID();
  #email: { readonly sid: string; readonly submitUrl: string | null } | null = null;
  #sendAttempt = 0;

  constructor(options: RequestOptions & { readonly baseUrl: string; readonly email: string }) {
    this.#baseUrl = options.baseUrl;
    this.#address = options.email.trim().toLowerCase();
    this.#options = options;
  }

  /** Sends the mail; call again to send another. Rejects with `email-invalid`, `email-unknown`. */
  async start(): Promise<void> {
    if (!/^[^@\s]+@[^@\s]+$/.test(this.#address)) throw new Failure("email-invalid");
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
