import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    setupFiles: ["support/oldest-node.ts"],
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 30_000,
    allowOnly: false,
    // The SDK tells at length what it does: only what failed is worth reading.
    silent: "passed-only",
    reporters: ["verbose"],
  },
});
