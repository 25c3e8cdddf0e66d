/**
 * Remembers, in this browser, which rooms were ever seen encrypted and how, so
 * that a server cannot take it back by showing another state.
 */
import { getAllRecords, openDatabase, putRecords } from "../idb";
import type { LatchedEncryption } from "./decisions";

const STORE = "rooms";

/** Where latches are kept. */
export interface LatchStore {
  readonly load: () => Promise<ReadonlyMap<string, LatchedEncryption>>;
  readonly save: (latches: ReadonlyMap<string, LatchedEncryption>) => Promise<void>;
  readonly close: () => void;
}

/** Keeps latches in IndexedDB. */
export async function indexedDbLatchStore(databaseName: string): Promise<LatchStore> {
  const database = await openDatabase(databaseName, [STORE]);
  return {
    load: async () => (await getAllRecords(database, STORE)) as ReadonlyMap<string, LatchedEncryption>,
    save: (latches) => putRecords(database, STORE, latches),
    close: () => database.close(),
  };
}

/** Keeps latches for the life of the process, where there is no IndexedDB. */
export function memoryLatchStore(): LatchStore {
  const latches = new Map<string, LatchedEncryption>();
  return {
    load: async () => latches,
    save: async (seen) => {
      for (const [roomId, latch] of seen) latches.set(roomId, latch);
    },
    close: () => undefined,
  };
}

/** All latches in memory, written through to their store. */
export class EncryptionLatch {
  readonly #store: LatchStore;
  readonly #latches: Map<string, LatchedEncryption>;
  /** Not written yet: the rooms of one sync are written together. */
  #unwritten = new Map<string, LatchedEncryption>();
  #write: Promise<void> = Promise.resolve();

  private constructor(store: LatchStore, latches: ReadonlyMap<string, LatchedEncryption>) {
    this.#store = store;
    this.#latches = new Map(latches);
  }

  static async open(store: LatchStore): Promise<EncryptionLatch> {
    return new EncryptionLatch(store, await store.load());
  }

  /** What is remembered of a room; null if it was never seen encrypted. */
  get(roomId: string): LatchedEncryption | null {
    return this.#latches.get(roomId) ?? null;
  }

  /** Remembers stricter or first settings. */
  remember(roomId: string, seen: LatchedEncryption): void {
    const known = this.#latches.get(roomId);
    if (known && known.rotationMs <= seen.rotationMs && known.rotationMessages <= seen.rotationMessages) return;
    const strictest: LatchedEncryption = {
      algorithm: seen.algorithm,
      rotationMs: Math.min(seen.rotationMs, known?.rotationMs ?? seen.rotationMs),
      rotationMessages: Math.min(seen.rotationMessages, known?.rotationMessages ?? seen.rotationMessages),
    };
    this.#latches.set(roomId, strictest);
    if (this.#unwritten.size === 0) this.#write = this.#write.then(() => this.#writeAll());
    this.#unwritten.set(roomId, strictest);
  }

  async #writeAll(): Promise<void> {
    const latches = this.#unwritten;
    this.#unwritten = new Map();
    // A store that fails keeps the latch for this session at least.
    await this.#store.save(latches).catch(() => undefined);
  }

  /** Closes once everything is written. */
  close(): void {
    void this.#write.then(() => this.#store.close());
  }
}
