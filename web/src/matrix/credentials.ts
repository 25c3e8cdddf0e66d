/**
 * Where a signed-in browser keeps what it needs to resume its session. Loaded
 * with the sign-in page; no SDK.
 *
 * The record is encrypted (AES-GCM) with a key that cannot be exported from
 * the browser, so that a copy of the stored record alone is of no use.
 */
import { Failure, toFailure } from "./errors";
import { deleteDatabase, getRecord, openDatabase, putRecord } from "./idb";
import type { Credentials } from "./types";

const DATABASE = "pli-vault";
const STORE = "vault";
const WRAPPING_KEY = "wrapping-key";
const RECORD = "session";
/** Says that a session may be stored, so that the first paint need not wait for IndexedDB. */
const HINT = "pli-signed-in";

/** All that the vault holds. */
export interface Vault {
  readonly credentials: Credentials;
  /** 32 bytes: encrypts the store of message keys. */
  readonly storageKey: Uint8Array<ArrayBuffer>;
}

interface SealedRecord {
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly data: ArrayBuffer;
}

/** Whether this browser is probably signed in; synchronous, for the first paint. */
export function isProbablySignedIn(): boolean {
  try {
    return globalThis.localStorage?.getItem(HINT) === "1";
  } catch {
    return false;
  }
}

/**
 * Keeps credentials after a sign-in, with a fresh key for the stores; signing in again on the same
 * device keeps the key, and so the stores. Rejects with `storage-unavailable`, `storage-full`.
 */
export async function saveCredentials(credentials: Credentials): Promise<void> {
  const before = await loadVault();
  const sameDevice = before?.credentials.userId === credentials.userId && before.credentials.deviceId === credentials.deviceId;
  const storageKey = sameDevice ? before.storageKey : crypto.getRandomValues(new Uint8Array(32));
  await writeVault({ credentials, storageKey });
}

/** Replaces the tokens of the stored session, keeping its storage key. */
export async function updateCredentials(credentials: Credentials): Promise<void> {
  const vault = await loadVault();
  if (vault !== null) await writeVault({ ...vault, credentials });
}

/** The stored credentials, or null if signed out. */
export async function loadCredentials(): Promise<Credentials | null> {
  return (await loadVault())?.credentials ?? null;
}

/** The stored session, or null if signed out (or if the record cannot be read any more). */
export async function loadVault(): Promise<Vault | null> {
  const database = await openDatabase(DATABASE, [STORE]);
  try {
    const key = await getRecord(database, STORE, WRAPPING_KEY);
    const sealed = (await getRecord(database, STORE, RECORD)) as SealedRecord | undefined;
    if (!(key instanceof CryptoKey) || sealed === undefined) return null;
    const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, key, sealed.data).catch(() => null);
    if (clear === null) return null;
    const record = JSON.parse(new TextDecoder().decode(clear)) as { credentials: Credentials; storageKey: number[] };
    return { credentials: record.credentials, storageKey: new Uint8Array(record.storageKey) };
  } finally {
    database.close();
  }
}

async function writeVault(vault: Vault): Promise<void> {
  if (globalThis.crypto?.subtle === undefined) throw new Failure("storage-unavailable");
  const database = await openDatabase(DATABASE, [STORE]);
  try {
    const key = await wrappingKey(database);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const record = JSON.stringify({ credentials: vault.credentials, storageKey: [...vault.storageKey] });
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(record));
    await putRecord(database, STORE, RECORD, { iv, data } satisfies SealedRecord);
    globalThis.localStorage?.setItem(HINT, "1");
  } catch (error) {
    throw toFailure(error);
  } finally {
    database.close();
  }
}

async function wrappingKey(database: IDBDatabase): Promise<CryptoKey> {
  const existing = await getRecord(database, STORE, WRAPPING_KEY);
  if (existing instanceof CryptoKey) return existing;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await putRecord(database, STORE, WRAPPING_KEY, key);
  return key;
}

/** Forgets the session. The stores of messages and keys are wiped by the session itself. */
export async function clearCredentials(): Promise<void> {
  try {
    globalThis.localStorage?.removeItem(HINT);
  } catch {
    // No local storage: nothing was kept there.
  }
  await deleteDatabase(DATABASE);
}
