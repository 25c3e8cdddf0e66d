import { type Logger, logger } from "matrix-js-sdk/lib/logger.js";

/**
 * A logger that says nothing. The SDK's messages name rooms, people and
 * requests; a browser's console is copied into reports too easily.
 */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  getChild: () => silentLogger,
};

/** Silences also what the SDK says beside the client's own logger. */
export function silenceSdk(): void {
  const shared = logger as unknown as { readonly setLevel?: (level: string, persist: boolean) => void };
  shared.setLevel?.("silent", false);
}
