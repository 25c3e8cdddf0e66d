/** One request before sign-in, and what its answer means. Plain `fetch`, no SDK. */
import { Failure, type FailureKind, kindOfErrcode } from "../errors";

/** Options of each request. */
export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Language of mails and terms, `fr` or `en`; the browser's by default. */
  readonly language?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** A JSON object as it comes from the server: nothing in it is sure. */
export type Json = Readonly<Record<string, unknown>>;

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** One request; resolves with any JSON answer below 500 that is not a rate limit. */
export async function exchange(
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

/** The `errcode` of an answer, if it has one. */
export function errcodeOf(body: Json): string | undefined {
  const code = body["errcode"];
  return typeof code === "string" ? code : undefined;
}

/** The failure that an answer means; `overrides` names what a code means in this context. */
export function failureOf(answer: Answer, overrides: Readonly<Record<string, FailureKind>> = {}): Failure {
  const errcode = errcodeOf(answer.body);
  const kind = (errcode === undefined ? undefined : overrides[errcode]) ?? kindOfErrcode(errcode, answer.status);
  return new Failure(kind, {
    status: answer.status,
    ...(errcode === undefined ? {} : { errcode }),
  });
}

/** A text that is there and not empty, or null. */
export function stringField(body: Json, name: string): string | null {
  const value = body[name];
  return typeof value === "string" && value !== "" ? value : null;
}
