/** The stages of user-interactive authentication that a sign-up walks through. */
import type { FailureKind } from "../errors";
import { type Json, stringField } from "./exchange";

/** A document of the `m.login.terms` stage. */
export interface TermsDocument {
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

/** The state of a sign-up as plain data (holds the password: keep it in memory only). */
export interface UiaState {
  session: string | null;
  completed: readonly string[];
  flows: readonly (readonly string[])[];
  params: Json;
}

/** The address is confirmed by a mail. */
export const EMAIL_STAGE = "m.login.email.identity";
/** A token that the administration hands out. */
export const TOKEN_STAGE = "m.login.registration_token";
/** Terms to agree to. */
export const TERMS_STAGE = "m.login.terms";
/** Nothing to do. */
export const DUMMY_STAGE = "m.login.dummy";
const KNOWN_STAGES: ReadonlySet<string> = new Set([EMAIL_STAGE, TOKEN_STAGE, TERMS_STAGE, DUMMY_STAGE]);

/** What it means that a stage was tried and is still open. */
export function stageFailure(stage: string): FailureKind {
  if (stage === EMAIL_STAGE) return "email-not-confirmed";
  if (stage === TOKEN_STAGE) return "token-wrong";
  return "unsupported-step";
}

/** The state that an answer 401 tells; `session` where it names none. */
export function uiaOf(body: Json, session: string | null): UiaState {
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
export function nextStage(uia: UiaState): string | null {
  const walkable = uia.flows.filter((stages) =>
    stages.every((stage) => KNOWN_STAGES.has(stage) || uia.completed.includes(stage)),
  );
  const open = walkable
    .map((stages) => stages.filter((stage) => !uia.completed.includes(stage)))
    .sort((a, b) => a.length - b.length);
  return open[0]?.[0] ?? null;
}

/** The documents of the `m.login.terms` stage, in the language if there. */
export function termsOf(params: Json, language: string): readonly TermsDocument[] {
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

/** What codes of `POST /register` and of a password reset mean there. */
export const SIGN_UP_MEANINGS: Readonly<Record<string, FailureKind>> = {
  M_FORBIDDEN: "registration-closed",
  M_UNAUTHORIZED: "email-not-confirmed",
};
