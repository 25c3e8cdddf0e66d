/**
 * The last check before the network: the only `fetch` that the SDK and this
 * layer may use. It looks at the request itself, not at what some code meant
 * to send.
 */
import { type FailureKind, GUARD_ERRCODE } from "../errors";
import { judgeRequest } from "./decisions";

/** Wraps `fetch` so that a forbidden request is refused before it leaves. */
export function guardedFetch(fetchFn: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, globalThis.location?.href);
    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    // The SDK always gives text or a file; a stream or a ready-made Request could not be looked into.
    const body = typeof init?.body === "string" ? init.body : null;
    if (input instanceof Request && input.body !== null) return refused("clear-event-refused");
    const refusal = judgeRequest({ method, path: url.pathname, query: url.searchParams, body });
    // Answered like a server's refusal: the SDK takes an exception for a lost network, and would try again.
    if (refusal !== null) return refused(refusal);
    return fetchFn(input, init);
  };
}

function refused(kind: FailureKind): Response {
  const body = { errcode: `${GUARD_ERRCODE}${kind}`, error: "refused by this client before it was sent" };
  return new Response(JSON.stringify(body), { status: 403, headers: { "Content-Type": "application/json" } });
}
