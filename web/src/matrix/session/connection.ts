import { ClientEvent, type MatrixClient, SyncState } from "matrix-js-sdk";
import { type Observable, Value } from "../observable";
import type { ConnectionState } from "../types";

/** Watches the link to the server; tries again at once when the browser comes back online. */
export function watchConnection(client: MatrixClient, onClose: (cleanup: () => void) => void): Observable<ConnectionState> {
  const state = new Value<ConnectionState>({ status: "connecting", caughtUp: false });
  const set = (status: ConnectionState["status"], caughtUp: boolean) => {
    const before = state.getSnapshot();
    if (before.status !== status || before.caughtUp !== caughtUp) state.set({ status, caughtUp });
  };
  const offline = () => globalThis.navigator?.onLine === false;

  const onSync = (sync: SyncState, _previous: SyncState | null, data?: { fromCache?: boolean }) => {
    const { caughtUp } = state.getSnapshot();
    switch (sync) {
      case SyncState.Prepared:
        // From the cache: lists can be shown, the server has not been heard yet.
        if (data?.fromCache !== true) set("online", true);
        break;
      case SyncState.Syncing:
        set("online", true);
        break;
      case SyncState.Catchup:
        set("reconnecting", caughtUp);
        break;
      case SyncState.Reconnecting:
      case SyncState.Error:
        set(offline() ? "offline" : "reconnecting", caughtUp);
        break;
      default:
        break;
    }
  };
  const onOffline = () => set("offline", state.getSnapshot().caughtUp);
  const onOnline = () => {
    set("reconnecting", state.getSnapshot().caughtUp);
    client.retryImmediately();
  };

  client.on(ClientEvent.Sync, onSync);
  globalThis.addEventListener?.("offline", onOffline);
  globalThis.addEventListener?.("online", onOnline);
  onClose(() => {
    client.off(ClientEvent.Sync, onSync);
    globalThis.removeEventListener?.("offline", onOffline);
    globalThis.removeEventListener?.("online", onOnline);
  });
  return state;
}
