/**
 * The only door to Matrix. Load it with `await import("../matrix")` after
 * sign-in: it brings the SDK and its cryptography. Before sign-in use
 * `./account` and `./credentials`, which are small.
 */
import type { OpenSessionOptions, SessionHost } from "./api";
import { BrowserSessionHost } from "./session/host";

export type * from "./api";
export { Failure, failureInfo, toFailure } from "./errors";
export type * from "./types";

/** Takes (or waits for) the browser's one session and opens it. Never throws: see `state`. */
export function openSession(options: OpenSessionOptions): SessionHost {
  return new BrowserSessionHost(options);
}
