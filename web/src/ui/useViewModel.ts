import { useEffect, useState, useSyncExternalStore } from "react";

/** Anything with a snapshot that changes: a view model, or an observable of the layers below. */
export interface Snapshots<Snapshot> {
  readonly getSnapshot: () => Snapshot;
  readonly subscribe: (listener: () => void) => () => void;
}

/** The present snapshot of `source`; the component renders again when it changes. */
export function useViewModel<Snapshot>(source: Snapshots<Snapshot>): Snapshot {
  return useSyncExternalStore(source.subscribe, source.getSnapshot);
}

/**
 * A view model that lives as long as the component and the `keys` do: `create` makes it, `dispose` ends it.
 * React may mount a component twice in development, so a disposed one is made anew.
 */
export function useOwnViewModel<Model extends { dispose(): void }>(create: () => Model, keys: readonly unknown[]): Model {
  const [held, setHeld] = useState(() => ({ model: create(), keys, disposed: false }));
  const stale = held.disposed || held.keys.length !== keys.length || held.keys.some((key, index) => !Object.is(key, keys[index]));
  const current = stale ? { model: create(), keys, disposed: false } : held;
  if (stale) setHeld(current);
  useEffect(() => {
    if (current.disposed) setHeld({ ...current });
    return () => {
      current.disposed = true;
      current.model.dispose();
    };
  }, [current]);
  return current.model;
}
