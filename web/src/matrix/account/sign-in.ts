/** Signing in by password, or with the token that a sign-in elsewhere ends with. */
import type { Credentials } from "../types";
import { credentialsOf } from "./credentials";
import { exchange, failureOf, type Json, type RequestOptions } from "./exchange";
import { isEmailAddress } from "./mail";

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

/** What a browser brings back from a sign-in elsewhere. */
export interface TokenLoginOptions extends RequestOptions {
  readonly baseUrl: string;
  readonly loginToken: string;
  /** Shown in the list of devices, e.g. "Firefox, Windows". */
  readonly deviceName: string;
}

/**
 * `POST /login` with `m.login.token`.
 * Rejects with `signed-out` if the token is not valid any more, and otherwise as {@link signIn}.
 */
export async function signInWithToken(options: TokenLoginOptions): Promise<Credentials> {
  const answer = await exchange(
    "POST",
    `${options.baseUrl}/_matrix/client/v3/login`,
    { type: "m.login.token", token: options.loginToken, initial_device_display_name: options.deviceName },
    options,
  );
  if (answer.status !== 200) throw failureOf(answer, { M_FORBIDDEN: "signed-out" });
  return credentialsOf(options.baseUrl, answer.body);
}

function loginIdentifier(typed: string): Json {
  const text = typed.trim();
  const isEmail = isEmailAddress(text);
  return isEmail ? { type: "m.id.thirdparty", medium: "email", address: text.toLowerCase() } : { type: "m.id.user", user: text };
}
