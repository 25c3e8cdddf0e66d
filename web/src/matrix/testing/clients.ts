/** Real sessions on a {@link TestServer}: the SDK with its real cryptography, in memory. */
import type { Observable } from "../observable";
import { OpenSession } from "../session/session";
import type { TestServer } from "./server";

// The oldest Node that the project runs on lacks it; every browser that it supports has it.
const promises = Promise as unknown as { withResolvers?: () => unknown };
promises.withResolvers ??= () => {
  const settle: { resolve?: unknown; reject?: unknown } = {};
  const promise = new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }));
  return { promise, ...settle };
};

/** Opens a session on a new device. */
export function openNewDevice(
  server: TestServer,
  userId: string,
  deviceId: string,
  onLoggedOut: (soft: boolean) => void = () => undefined,
): Promise<OpenSession> {
  return OpenSession.open({
    credentials: server.device(userId, deviceId),
    storageKey: null,
    stores: "memory",
    language: "en",
    onLoggedOut,
    onCredentials: async () => undefined,
    fetch: server.fetch,
  });
}

/** Opens a session and makes the account's identity. */
export async function openWithIdentity(
  server: TestServer,
  userId: string,
  deviceId: string,
  onLoggedOut?: (soft: boolean) => void,
): Promise<OpenSession> {
  const session = await openNewDevice(server, userId, deviceId, onLoggedOut);
  await until(session.security.state, (state) => state.status === "needs-setup");
  await session.security.setUp({ recoveryCode: session.security.createRecoveryCode("en") });
  return session;
}

/** Resolves with the first snapshot that satisfies `isReached`. */
export function until<T>(observable: Observable<T>, isReached: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    let stop: () => void = () => undefined;
    const check = () => {
      const value = observable.getSnapshot();
      if (!isReached(value)) return;
      stop();
      resolve(value);
    };
    stop = observable.subscribe(check);
    check();
  });
}
