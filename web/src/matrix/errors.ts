/**
 * The one error type of the Matrix layer: a small union of kinds, each with an
 * i18n key, so that the interface never shows a server's text.
 *
 * This module imports nothing: it is loaded with the sign-in page.
 */

/** What went wrong, as far as a person needs to tell cases apart. */
export type FailureKind =
  /** No answer: no network, DNS, TLS, or the server is down. */
  | "network"
  /** The server did not answer in time. */
  | "timeout"
  /** `M_LIMIT_EXCEEDED`: see {@link FailureInfo.retryAfterMs}. */
  | "rate-limited"
  /** The server refused: no permission. */
  | "forbidden"
  /** `M_NOT_FOUND`. */
  | "not-found"
  /** Wrong identifier or password at sign-in. */
  | "wrong-credentials"
  /** The password given to confirm a sensitive action is wrong. */
  | "wrong-password"
  /** The action must be confirmed with the password, and none was given. */
  | "password-needed"
  /** `M_USER_DEACTIVATED`. */
  | "account-deactivated"
  /** `M_USER_LOCKED` or `M_USER_SUSPENDED`. */
  | "account-suspended"
  /** The address already has an account. */
  | "email-in-use"
  /** The address is not of a domain that may sign up here. */
  | "email-not-allowed"
  /** The address is not an e-mail address. */
  | "email-invalid"
  /** No account has this address (password reset). */
  | "email-unknown"
  /** The code from the mail is wrong. */
  | "code-wrong"
  /** The code or the whole attempt has expired: start again. */
  | "code-expired"
  /** The address has not been confirmed yet. */
  | "email-not-confirmed"
  /** `M_WEAK_PASSWORD`. */
  | "password-weak"
  /** The registration token is wrong or used up. */
  | "token-wrong"
  /** This server does not accept sign-ups. */
  | "registration-closed"
  /** The server asks for a sign-up or sign-in step that this client lacks. */
  | "unsupported-step"
  /** The address does not lead to a Matrix server. */
  | "not-a-server"
  /** The access token is no longer valid: sign in again. */
  | "signed-out"
  /** Larger than the server accepts, see {@link FailureInfo.limit}. */
  | "too-large"
  /** 5xx, or an answer that breaks the protocol. */
  | "server"
  /** The browser's storage is full. */
  | "storage-full"
  /** The browser gives no storage (private window, policy). */
  | "storage-unavailable"
  /** This tab is no longer the one that holds the session. */
  | "open-elsewhere"
  /** Not twelve known words, see {@link FailureInfo.wordIndex}. */
  | "recovery-code-malformed"
  /** Twelve good words, but not those of this account. */
  | "recovery-code-wrong"
  /** The account has no recovery code. */
  | "recovery-not-set-up"
  /** The history's backup cannot be read with the keys at hand. */
  | "backup-unreadable"
  /** This device has not been confirmed by its owner yet. */
  | "device-not-confirmed"
  /** Sending is suspended: somebody's identity changed, see {@link FailureInfo.people}. */
  | "identity-changed"
  /** Refused: the conversation is not, or no longer, encrypted. */
  | "not-encrypted"
  /** Refused: the conversation's encryption settings are unknown or weakened. */
  | "encryption-weakened"
  /** Refused: an event of this type may not leave in clear. */
  | "clear-event-refused"
  /** A received file is not what its sender encrypted. */
  | "media-corrupt"
  /** A picture that the browser cannot read. */
  | "media-unreadable"
  /** Given up by the person. */
  | "cancelled"
  /** Nothing better is known; see the console in development. */
  | "unknown";

/** A failure as plain data, for snapshots. */
export interface FailureInfo {
  readonly kind: FailureKind;
  /** Key of the text to show: `errors.<kind>`. */
  readonly i18nKey: `errors.${FailureKind}`;
  /** Matrix `errcode`, for the developer's panel. */
  readonly errcode?: string;
  /** HTTP status, for the developer's panel. */
  readonly status?: number;
  /** Milliseconds until a retry makes sense. */
  readonly retryAfterMs?: number;
  /** Matrix ids of the people concerned (`identity-changed`). */
  readonly people?: readonly string[];
  /** Limit in bytes (`too-large`). */
  readonly limit?: number;
  /** Index from 0 of the first unknown word (`recovery-code-malformed`). */
  readonly wordIndex?: number;
  /** Whether the same action may succeed when tried again unchanged. */
  readonly retryable: boolean;
}

const RETRYABLE: ReadonlySet<FailureKind> = new Set<FailureKind>([
  "network",
  "timeout",
  "rate-limited",
  "server",
  "email-not-confirmed",
  "identity-changed",
]);

/** Builds the plain form of a failure. */
export function failureInfo(kind: FailureKind, details: Omit<FailureInfo, "kind" | "i18nKey" | "retryable"> = {}): FailureInfo {
  return { kind, i18nKey: `errors.${kind}`, retryable: RETRYABLE.has(kind), ...details };
}

/** Thrown (or rejected with) by every function of the Matrix layer. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly info: FailureInfo;

  constructor(kind: FailureKind, details: Omit<FailureInfo, "kind" | "i18nKey" | "retryable"> = {}, cause?: unknown) {
    super(kind, cause === undefined ? undefined : { cause });
    this.info = failureInfo(kind, details);
  }

  get kind(): FailureKind {
    return this.info.kind;
  }
}

/** The failure behind anything thrown: itself, or `unknown` with its cause. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof DOMException) {
    if (error.name === "AbortError") return new Failure("cancelled", {}, error);
    if (error.name === "TimeoutError") return new Failure("timeout", {}, error);
    if (error.name === "QuotaExceededError") return new Failure("storage-full", {}, error);
  }
  return fromMatrixErrorLike(error) ?? new Failure("unknown", {}, error);
}

/**
 * Reads the shape that both a plain JSON answer and the SDK's `MatrixError`
 * have (`errcode`, `httpStatus`, `data`), and the SDK's `ConnectionError`.
 */
function fromMatrixErrorLike(error: unknown): Failure | null {
  if (typeof error !== "object" || error === null) return null;
  const shape = error as {
    name?: unknown;
    errcode?: unknown;
    httpStatus?: unknown;
    data?: { retry_after_ms?: unknown };
  };
  if (shape.name === "ConnectionError") return new Failure("network", {}, error);
  if (shape.name === "TokenRefreshLogoutError") return new Failure("signed-out", {}, error);
  const status = typeof shape.httpStatus === "number" ? shape.httpStatus : undefined;
  const errcode = typeof shape.errcode === "string" ? shape.errcode : undefined;
  if (status === undefined && errcode === undefined) return null;
  const retryAfter = shape.data?.retry_after_ms;
  const kind = kindOfErrcode(errcode, status);
  return new Failure(
    kind,
    {
      ...(errcode === undefined ? {} : { errcode }),
      ...(status === undefined ? {} : { status }),
      ...(typeof retryAfter === "number" ? { retryAfterMs: retryAfter } : {}),
    },
    error,
  );
}

/** Start of the error codes by which the guard, not the server, refuses a request; a {@link FailureKind} follows. */
export const GUARD_ERRCODE = "PLI_REFUSED_";

/** The kind that a Matrix error code and HTTP status mean without context. */
export function kindOfErrcode(errcode: string | undefined, status: number | undefined): FailureKind {
  if (errcode?.startsWith(GUARD_ERRCODE)) return errcode.slice(GUARD_ERRCODE.length) as FailureKind;
  switch (errcode) {
    case "M_LIMIT_EXCEEDED":
      return "rate-limited";
    case "M_UNKNOWN_TOKEN":
    case "M_MISSING_TOKEN":
      return "signed-out";
    case "M_USER_DEACTIVATED":
      return "account-deactivated";
    case "M_USER_LOCKED":
    case "M_USER_SUSPENDED":
      return "account-suspended";
    case "M_THREEPID_IN_USE":
    case "M_USER_IN_USE":
      return "email-in-use";
    case "M_THREEPID_DENIED":
    case "M_SERVER_NOT_TRUSTED":
      return "email-not-allowed";
    case "M_THREEPID_NOT_FOUND":
      return "email-unknown";
    case "M_INVALID_EMAIL":
      return "email-invalid";
    case "M_THREEPID_AUTH_FAILED":
      return "email-not-confirmed";
    case "M_WEAK_PASSWORD":
      return "password-weak";
    case "M_TOO_LARGE":
      return "too-large";
    case "M_FORBIDDEN":
    case "M_GUEST_ACCESS_FORBIDDEN":
      return "forbidden";
    case "M_NOT_FOUND":
      return "not-found";
    default:
      break;
  }
  if (status === 429) return "rate-limited";
  if (status === 413) return "too-large";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  if (status !== undefined && status >= 500) return "server";
  return "unknown";
}
