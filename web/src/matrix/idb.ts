/** A thin promise over IndexedDB for the few records that Pli keeps itself. Imports nothing of the SDK. */
import { Failure, toFailure } from "./errors";

/** Opens (and creates) a database whose object stores have no key path. */
export async function openDatabase(name: string, stores: readonly string[]): Promise<IDBDatabase> {
  if (globalThis.indexedDB === undefined) throw new Failure("storage-unavailable");
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, 1);
    } catch (error) {
      reject(new Failure("storage-unavailable", {}, error));
      return;
    }
    request.onupgradeneeded = () => {
      for (const store of stores) request.result.createObjectStore(store);
    };
    request.onerror = () => reject(new Failure("storage-unavailable", {}, request.error));
    request.onsuccess = () => {
      const database = request.result;
      // Another tab deletes the database (sign-out): do not stand in its way.
      database.onversionchange = () => database.close();
      resolve(database);
    };
  });
}

function run<T>(
  database: IDBDatabase,
  store: string,
  mode: IDBTransactionMode,
  work: (objects: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const failure = toFailure(error);
      reject(failure.kind === "unknown" ? new Failure("storage-unavailable", {}, error) : failure);
    };
    let transaction: IDBTransaction;
    try {
      transaction = database.transaction(store, mode, { durability: "strict" });
    } catch (error) {
      fail(error);
      return;
    }
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => fail(transaction.error);
    transaction.onerror = () => fail(transaction.error ?? request.error);
  });
}

/** The record under `key`, or undefined. */
export function getRecord(database: IDBDatabase, store: string, key: string): Promise<unknown> {
  return run(database, store, "readonly", (objects) => objects.get(key));
}

/** Every record of a store, by key. */
export async function getAllRecords(database: IDBDatabase, store: string): Promise<ReadonlyMap<string, unknown>> {
  const [keys, values] = await Promise.all([
    run(database, store, "readonly", (objects) => objects.getAllKeys()),
    run(database, store, "readonly", (objects) => objects.getAll() as IDBRequest<unknown[]>),
  ]);
  return new Map(keys.map((key, index) => [String(key), values[index]]));
}

/** Writes a record; resolves once it is on disk. */
export async function putRecord(database: IDBDatabase, store: string, key: string, value: unknown): Promise<void> {
  await run(database, store, "readwrite", (objects) => objects.put(value, key));
}

/** Writes many records at once; resolves once they are on disk. */
export async function putRecords(database: IDBDatabase, store: string, records: ReadonlyMap<string, unknown>): Promise<void> {
  await run(database, store, "readwrite", (objects) => {
    for (const [key, value] of records) objects.put(value, key);
    return objects.count();
  });
}

/** Deletes a whole database; resolves even if it did not exist or another tab holds it for now. */
export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => resolve();
    // The deletion goes on by itself once the other tab has closed.
    request.onblocked = () => resolve();
  });
}
