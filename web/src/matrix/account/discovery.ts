/** Finding the server. */
import { Failure } from "../errors";
import { type Answer, exchange, failureOf, type Json, type RequestOptions } from "./exchange";

/** A server that answered as a Matrix server. */
export interface Homeserver {
  /** Base URL of the client API, without a trailing slash. */
  readonly baseUrl: string;
  /** What `GET /_matrix/client/versions` lists. */
  readonly versions: readonly string[];
}

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

/** A service elsewhere where people can sign in. */
export interface IdentityProvider {
  readonly id: string;
  /** What people call it: "ProConnect". */
  readonly name: string;
}

/** The services elsewhere where the server lets people sign in (`identity_providers` of `m.login.sso`). */
export async function identityProviders(baseUrl: string, options: RequestOptions = {}): Promise<readonly IdentityProvider[]> {
  const answer = await exchange("GET", `${baseUrl}/_matrix/client/v3/login`, null, options);
  if (answer.status !== 200) throw failureOf(answer);
  const flows: unknown[] = Array.isArray(answer.body["flows"]) ? answer.body["flows"] : [];
  const sso = flows.find((flow) => (flow as Json | null)?.["type"] === "m.login.sso") as Json | undefined;
  const providers: unknown[] = Array.isArray(sso?.["identity_providers"]) ? sso["identity_providers"] : [];
  return providers.flatMap((provider) => {
    const { id, name } = (provider ?? {}) as Json;
    return typeof id === "string" && typeof name === "string" ? [{ id, name }] : [];
  });
}

/** Where a browser goes to sign in at a service elsewhere; it comes back to `returnTo` with a `loginToken`. */
export function providerAddress(baseUrl: string, providerId: string, returnTo: string): string {
  const query = new URLSearchParams({ redirectUrl: returnTo });
  return `${baseUrl}/_matrix/client/v3/login/sso/redirect/${encodeURIComponent(providerId)}?${query}`;
}

/** Whether the server offers sign-in by password. */
export async function offersPasswordLogin(baseUrl: string, options: RequestOptions = {}): Promise<boolean> {
  const answer = await exchange("GET", `${baseUrl}/_matrix/client/v3/login`, null, options);
  if (answer.status !== 200) throw failureOf(answer);
  const flows = answer.body["flows"];
  return Array.isArray(flows) && flows.some((flow: unknown) => (flow as Json | null)?.["type"] === "m.login.password");
}
