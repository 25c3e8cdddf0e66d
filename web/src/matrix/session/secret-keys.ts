import type { CryptoCallbacks } from "matrix-js-sdk/lib/crypto-api/index.js";

/**
 * Holds the key of secret storage in memory for as long as an operation needs
 * it, never longer, never on disk.
 */
export class SecretKeys {
  readonly #keys = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Callbacks to give to the SDK. */
  readonly callbacks: CryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => {
      for (const keyId of Object.keys(keys)) {
        const key = this.#keys.get(keyId);
        if (key !== undefined) return [keyId, key];
      }
      return null;
    },
    cacheSecretStorageKey: (keyId, _info, key) => {
      this.#keys.set(keyId, key);
    },
  };

  /** Runs `work` with a key at hand, and forgets every key afterwards. */
  async during<T>(
    key: { readonly id: string; readonly key: Uint8Array<ArrayBuffer> } | null,
    work: () => Promise<T>,
  ): Promise<T> {
    if (key !== null) this.#keys.set(key.id, key.key);
    try {
      return await work();
    } finally {
      this.#keys.clear();
    }
  }
}
