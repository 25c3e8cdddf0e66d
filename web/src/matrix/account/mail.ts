/** Confirming an address by a mailed code. */
import { Failure } from "../errors";
import { errcodeOf, exchange, failureOf, type RequestOptions, stringField } from "./exchange";

/** True if a text has the shape of an e-mail address; whether it exists only the mail shows. */
export function isEmailAddress(text: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(text);
}

/** A mail that was asked for: its session at the server, and where its code goes. */
export interface RequestedMail {
  readonly sid: string;
  /** Null if the server names none. */
  readonly submitUrl: string | null;
}

/** Has a code and a link mailed. Rejects with `email-invalid`, `email-not-allowed`, or a general failure. */
export async function requestMail(
  baseUrl: string,
  purpose: "register" | "account/password",
  mail: { readonly email: string; readonly clientSecret: string; readonly attempt: number },
  options: RequestOptions,
): Promise<RequestedMail> {
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

/** Posts a code. Rejects with `code-wrong`, `code-expired`, `unsupported-step`. */
export async function submitEmailCode(
  baseUrl: string,
  email: RequestedMail,
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
