import { defineConfig } from "@playwright/test";
import tests from "../playwright.config.ts";

/** What `npm run screenshots` runs: the pictures of the documentation, taken of the real thing. */
export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "screenshots.ts",
  outputDir: "../../.output",
  use: {
    ...tests.use,
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
    reducedMotion: "reduce",
    trace: "off",
  },
});
