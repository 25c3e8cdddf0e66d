/** The person's own devices. Types only. */
import type { FailureInfo } from "../errors";

/** One of my signed-in devices. */
export interface Device {
  readonly deviceId: string;
  /** Null if it never got a name. */
  readonly name: string | null;
  /** Milliseconds since 1970. */
  readonly lastSeen: number | null;
  readonly lastSeenIp: string | null;
  readonly current: boolean;
  /** Signed by me: gets keys. */
  readonly verified: boolean;
}

/** My devices. */
export type DevicesState =
  | { readonly status: "loading" }
  | { readonly status: "failed"; readonly failure: FailureInfo }
  /** This device first, then by last use. */
  | { readonly status: "ready"; readonly devices: readonly Device[] };
