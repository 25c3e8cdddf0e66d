/** Keeps the cache of the last sync off the page's thread. */
import { IndexedDBStoreWorker } from "matrix-js-sdk/lib/indexeddb-worker.js";
import { silenceSdk } from "./logger";

silenceSdk();
const worker = new IndexedDBStoreWorker((message) => globalThis.postMessage(message));
globalThis.onmessage = worker.onMessage;
