import { Failure } from "../errors";
import type { Credentials } from "../types";
import { type Json, stringField } from "./exchange";

/** The credentials in the answer of a sign-in or a sign-up. Throws `server` if one is missing. */
export function credentialsOf(baseUrl: string, body: Json): Credentials {
  const userId = stringField(body, "user_id");
  const deviceId = stringField(body, "device_id");
  const accessToken = stringField(body, "access_token");
  if (userId === null || deviceId === null || accessToken === null) throw new Failure("server");
  const refreshToken = stringField(body, "refresh_token");
  return { baseUrl, userId, deviceId, accessToken, ...(refreshToken === null ? {} : { refreshToken }) };
}
