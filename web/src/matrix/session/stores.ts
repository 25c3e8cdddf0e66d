/** The names of everything that a session keeps in this browser, and its wiping. */
import { IndexedDBStore, MemoryStore } from "matrix-js-sdk";
import { indexedDbLatchStore, type LatchStore, memoryLatchStore } from "../guard/latch";
import { deleteDatabase } from "../idb";
import type { Credentials } from "../types";

/** Where a session keeps its data. */
export type StoreKind = "browser" | "memory";

/** Names of the databases of one device; another sign-in never meets old data. */
export interface StoreNames {
  readonly sync: string;
  readonly cryptoPrefix: string;
  readonly latch: string;
}

/** The names for a device. */
export function storeNames(credentials: Pick<Credentials, "userId" | "deviceId">): StoreNames {
  const suffix = `${credentials.userId}/${credentials.deviceId}`;
  return { sync: `pli-sync:${suffix}`, cryptoPrefix: `pli-keys:${suffix}`, latch: `pli-latch:${suffix}` };
}

/** The cache of the last sync: in IndexedDB, written by a worker, so that the list shows before the network answers. */
export function syncStore(kind: StoreKind, names: StoreNames): MemoryStore {
  const localStorage = globalThis.localStorage;
  if (kind === "memory" || globalThis.indexedDB === undefined) return new MemoryStore({});
  return new IndexedDBStore({
    indexedDB: globalThis.indexedDB,
    dbName: names.sync,
    ...(localStorage === undefined ? {} : { localStorage }),
    workerFactory: () => new Worker(new URL("./sync-store.worker.ts", import.meta.url), { type: "module" }),
  });
}

/** The memory of encrypted rooms. */
export function latchStore(kind: StoreKind, names: StoreNames): Promise<LatchStore> {
  return kind === "memory" ? Promise.resolve(memoryLatchStore()) : indexedDbLatchStore(names.latch);
}

/** Deletes every database and record of this layer, of this device and of any before it. */
export async function wipeStores(names: StoreNames): Promise<void> {
  if (globalThis.indexedDB === undefined) return;
  const known = await globalThis.indexedDB.databases?.().catch(() => []);
  const ours = (known ?? []).flatMap(({ name }) =>
    name !== undefined && /(?:^|:)pli-(?:sync|keys|latch):/.test(name) ? [name] : [],
  );
  const all = new Set([
    ...ours,
    `matrix-js-sdk:${names.sync}`,
    `${names.cryptoPrefix}::matrix-sdk-crypto`,
    `${names.cryptoPrefix}::matrix-sdk-crypto-meta`,
    names.latch,
  ]);
  await Promise.all([...all].map(deleteDatabase));
  wipeLocalStorage();
}

/** Removes what the SDK and this layer put into local storage; the interface's preferences stay. */
function wipeLocalStorage(): void {
  try {
    const storage = globalThis.localStorage;
    if (storage === undefined) return;
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index));
    for (const key of keys) if (key !== null && /^(?:mx_|mxjssdk_|matrix-)/.test(key)) storage.removeItem(key);
  } catch {
    // No local storage: nothing was kept there.
  }
}
