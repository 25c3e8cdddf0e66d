import type { AuthDict, UIAuthCallback } from "matrix-js-sdk/lib/interactive-auth.js";
import { Failure, toFailure } from "../errors";
import type { ConfirmElsewhere } from "./elsewhere";

interface UiaChallenge {
  readonly httpStatus?: number;
  readonly errcode?: string;
  readonly data?: {
    readonly session?: string;
    readonly flows?: readonly { readonly stages?: readonly string[] }[];
    readonly errcode?: string;
  };
}

/** How the person can confirm. */
export interface Confirmation {
  readonly userId: string;
  readonly password: string | undefined;
  /** For accounts without a password: where they sign in. Left out, that is not done. */
  readonly elsewhere?: ConfirmElsewhere;
}

/**
 * Confirms a sensitive request with the password, or where the account signs in, if the server asks for it.
 * Rejects with `password-needed`, `wrong-password`, `cancelled`, or `unsupported-step`.
 */
export function uiaCallback(confirmation: Confirmation): UIAuthCallback<void> {
  return (makeRequest) => confirmed(confirmation, (auth) => makeRequest(auth));
}

/** Same, for a request of any kind. */
export async function confirmed<T>(
  { userId, password, elsewhere }: Confirmation,
  makeRequest: (auth: AuthDict | null) => Promise<T>,
): Promise<T> {
  let challenge: UiaChallenge;
  try {
    return await makeRequest(null);
  } catch (error) {
    challenge = error as UiaChallenge;
    if (challenge.httpStatus !== 401 || challenge.data?.flows === undefined) throw toFailure(error);
  }
  const session = challenge.data.session === undefined ? {} : { session: challenge.data.session };
  if (!offers(challenge, "m.login.password")) {
    if (offers(challenge, "m.login.sso") && elsewhere !== undefined && session.session !== undefined) {
      return confirmedElsewhere(session.session, elsewhere, makeRequest);
    }
    if (!offers(challenge, "m.login.dummy")) throw new Failure("unsupported-step");
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

async function confirmedElsewhere<T>(
  firstSession: string,
  elsewhere: ConfirmElsewhere,
  makeRequest: (auth: AuthDict | null) => Promise<T>,
): Promise<T> {
  let session = firstSession;
  for (let isFirst = true; ; isFirst = false) {
    await elsewhere(session, isFirst ? "first" : "again");
    try {
      return await makeRequest({ session } as AuthDict);
    } catch (error) {
      // Asked again: it is not confirmed yet, or has expired and there is another session for it.
      const answer = error as UiaChallenge;
      if (answer.httpStatus !== 401 || answer.data?.flows === undefined) throw toFailure(error);
      session = answer.data.session ?? session;
    }
  }
}

/** Whether the stage alone is enough. */
function offers(challenge: UiaChallenge, stage: string): boolean {
  return (challenge.data?.flows ?? []).some(({ stages }) => stages?.length === 1 && stages[0] === stage);
}

/** Whether a request that needs confirmation would ask for the password. Nothing happens by asking. */
export async function asksPassword(makeRequest: (auth: null) => Promise<unknown>): Promise<boolean> {
  try {
    await makeRequest(null);
    return true;
  } catch (error) {
    const challenge = error as UiaChallenge;
    return challenge.httpStatus !== 401 || offers(challenge, "m.login.password") || !offers(challenge, "m.login.sso");
  }
}
