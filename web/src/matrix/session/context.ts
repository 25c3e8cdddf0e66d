import type { MatrixClient } from "matrix-js-sdk";
import type { CryptoApi } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Guard } from "../guard/guard";
import type { TypingPeople } from "../rooms/typing";
import type { Credentials, RecoveryLanguage } from "../types";
import type { ConfirmationsElsewhere } from "./elsewhere";
import type { PersonCache } from "./people-cache";
import type { SecretKeys } from "./secret-keys";

/** What the parts of an open session share. */
export interface SessionContext {
  readonly client: MatrixClient;
  readonly crypto: CryptoApi;
  readonly guard: Guard;
  readonly persons: PersonCache;
  readonly secretKeys: SecretKeys;
  readonly typing: TypingPeople;
  readonly elsewhere: ConfirmationsElsewhere;
  readonly credentials: Credentials;
  readonly userId: string;
  readonly deviceId: string;
  readonly language: RecoveryLanguage;
  /** The guarded `fetch`. */
  readonly fetch: typeof globalThis.fetch;
  /** The present access token (it changes if the server uses refresh tokens). */
  readonly accessToken: () => string;
  /** Functions to call when the session closes. */
  readonly onClose: (cleanup: () => void) => void;
}
