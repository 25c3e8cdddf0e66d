import type { Logger } from "matrix-js-sdk/lib/logger.js";

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
