import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` forwards the client-server API, so that page and API share an origin as in production. */
const devServer = process.env["PLI_URL"] ?? "http://127.0.0.1:8008";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    outDir: "dist",
    sourcemap: false,
    // The policy allows no `data:` fonts or scripts: every asset stays a hashed file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  worker: {
    format: "es",
    rolldownOptions: {
      // The worker of the sync cache uses a small part of the SDK: without this it would carry the whole of it.
      treeshake: { moduleSideEffects: (id) => !/matrix-js-sdk\/lib\/(?!indexeddb-worker)/.test(id) },
    },
  },
  server: {
    proxy: {
      "/_matrix": { target: devServer, changeOrigin: false },
      "/.well-known": { target: devServer, changeOrigin: false },
    },
  },
  test: {
    projects: [
      { extends: true, test: { name: "logic", include: ["src/**/*.test.ts"], environment: "node" } },
      { extends: true, test: { name: "views", include: ["src/**/*.test.tsx"], environment: "jsdom" } },
    ],
  },
});
