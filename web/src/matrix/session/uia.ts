import type { AuthDict, UIAuthCallback } from "matrix-js-sdk/lib/interactive-auth.js";
import { Failure, toFailure } from "../errors";

interface UiaChallenge {
  readonly httpStatus?: number;
  readonly errcode?: string;
  readonly data?: {
    readonly session?: string;
    readonly flows?: readonly { readonly stages?: readonly string[] }[];
    readonly errcode?: string;
  };
}

/**
 * Confirms a sensitive request with the password, if the server asks for it.
 * Rejects with `password-needed`, `wrong-password`, or `unsupported-step`.
 */
export function passwordConfirmation(userId: string, password: string | undefined): UIAuthCallback<void> {
  return (makeRequest) => confirmWithPassword(userId, password, (auth) => makeRequest(auth));
}

/** Same, for a request of any kind. */
export async function confirmWithPassword<T>(
  userId: string,
  password: string | undefined,
  makeRequest: (auth: AuthDict | null) => Promise<T>,
): Promise<T> {
  let challenge: UiaChallenge;
  try {
    return await makeRequest(null);
  } catch (error) {
    challenge = error as UiaChallenge;
    if (challenge.httpStatus !== 401 || challenge.data?.flows === undefined) throw toFailure(error);
  }
  const stages = (challenge.data.flows ?? []).map((flow) => flow.stages ?? []);
  const session = challenge.data.session === undefined ? {} : { session: challenge.data.session };
  if (!stages.some((flow) => flow.length === 1 && flow[0] === "m.login.password")) {
    if (!stages.some((flow) => flow.length === 1 && flow[0] === "m.login.dummy")) throw new Failure("unsupported-step");
    return makeRequest({ type: "m.login.dummy", ...session } as AuthDict).catch((error: unknown) => {
      throw toFailure(error);
    });
  }
  if (password === undefined || password === "") throw new Failure("password-needed");
  try {
    return await makeRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: userId },
      password,
      ...session,
    } as AuthDict);
  } catch (error) {
    const answer = error as UiaChallenge;
    // Asked again, or refused: the password was not right.
    if (answer.httpStatus === 401 || answer.errcode === "M_FORBIDDEN") throw new Failure("wrong-password", {}, error);
    throw toFailure(error);
  }
}
