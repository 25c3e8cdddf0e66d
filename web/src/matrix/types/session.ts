/** The session of this browser: what it keeps, its link to the server, what it may read. Types only. */
import type { FailureInfo } from "../errors";
import type { Person, UserId } from "./people";

/** What a signed-in browser keeps to resume its session. */
export interface Credentials {
  /** Base URL of the client API, without a trailing slash. */
  readonly baseUrl: string;
  readonly userId: UserId;
  readonly deviceId: string;
  readonly accessToken: string;
  /** Present only if the server gave one unasked. */
  readonly refreshToken?: string;
}

/** The link to the server. */
export interface ConnectionState {
  readonly status: /** First contact since this page was loaded. */
    | "connecting"
    | "online"
    /** The last exchange failed; trying again by itself. */
    | "reconnecting"
    /** The browser says that there is no network. */
    | "offline";
  /** True once one exchange has succeeded (lists are then up to date or older only by the gap). */
  readonly caughtUp: boolean;
}

/** What this device may read, and what the person must do first. */
export type SecurityState =
  /** Not known yet: asking the server. */
  | { readonly status: "checking" }
  /** Could not ask; `retry()` on the security actions. */
  | { readonly status: "failed"; readonly failure: FailureInfo }
  /** A new account: the first-run screen must run `setUp()`. Nobody gives keys to this device until then. */
  | { readonly status: "needs-setup" }
  /** A new device of an existing account: unlock with the code, by another device, or reset. */
  | {
      readonly status: "needs-recovery";
      /** Another confirmed device exists, so verification by emoji can work. */
      readonly otherDevice: boolean;
      /** A recovery code exists on the account. */
      readonly recoveryCode: boolean;
    }
  /** Confirmed by its owner. */
  | {
      readonly status: "ready";
      /** New messages' keys are being saved to the encrypted backup. */
      readonly backup: boolean;
      /** A recovery code exists on the account; if false, offer to make one. */
      readonly recoveryCode: boolean;
    };

/** Restoring the history after a recovery. */
export type RestoreProgress =
  | { readonly status: "idle" }
  | { readonly status: "fetching" }
  | {
      readonly status: "restoring";
      /** Keys read so far. */
      readonly done: number;
      /** Keys in all. */
      readonly total: number;
    }
  | { readonly status: "done"; readonly total: number }
  | { readonly status: "failed"; readonly failure: FailureInfo };

/** Languages that recovery codes exist in. */
export type RecoveryLanguage = "fr" | "en";

/**
 * Why the person is asked: to begin with; because they said that it was done and the server did not know of it; or
 * because something else of the same action has to be confirmed after what just was.
 */
export type ConfirmationReason = "first" | "again" | "next";

/** A sensitive action waits until the person has confirmed it where the account signs in, in another tab. */
export interface PendingConfirmation {
  /** The page to open. */
  readonly address: string;
  readonly why: ConfirmationReason;
  /** The person says that it is done. */
  readonly proceed: () => void;
  /** Gives the action up: it is rejected with `cancelled`. */
  readonly cancel: () => void;
}

/** What a sign-out on this browser would lose. All false/zero: nothing. */
export interface SignOutLoss {
  /** Messages not yet sent, or failed. */
  readonly unsentMessages: number;
  /** Message keys that are in no backup: those messages would be unreadable elsewhere. */
  readonly keysNotSaved: number;
  /** True if there is no way back to the history: no backup or no recovery code. */
  readonly noRecovery: boolean;
  /** True if this is the only confirmed device of the account. */
  readonly lastDevice: boolean;
}

/** The person who is signed in. */
export interface OwnProfile extends Person {
  readonly deviceId: string;
}
