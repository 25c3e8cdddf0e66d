import {
  type CryptoCallbacks,
  decodeRecoveryKey,
  type GeneratedSecretStorageKey,
} from "matrix-js-sdk/lib/crypto-api/index.js";

/** The keys of secret storage that somebody has at hand: made here, or typed from the note in the drawer. */
export class SecretKeys {
  readonly #made = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #typed: Uint8Array<ArrayBuffer>[] = [];

  /** What the person wrote down when the key was made. */
  recoveryKey = "";

  readonly callbacks: CryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => {
      for (const keyId of Object.keys(keys)) {
        const key = this.#made.get(keyId) ?? this.#typed[0];
        if (key) return [keyId, key];
      }
      return null;
    },
    cacheSecretStorageKey: (keyId, _info, key) => {
      this.#made.set(keyId, key);
    },
  };

  /** The keys of somebody who types the recovery key that they wrote down. */
  static typed(recoveryKey: string): SecretKeys {
    const keys = new SecretKeys();
    keys.#typed.push(decodeRecoveryKey(recoveryKey) as Uint8Array<ArrayBuffer>);
    return keys;
  }

  /** Notes what is to be written down. */
  note(key: GeneratedSecretStorageKey): GeneratedSecretStorageKey {
    this.recoveryKey = key.encodedPrivateKey ?? "";
    return key;
  }
}
