// How parts are tested: in a document without a browser; what only a browser can show is in tests/browser.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{src,tests}/**/*.test.{ts,tsx}"],
    // A third of the time that a process of its own for each file takes.
    pool: "vmThreads",
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "http://tokenhouse.test/app/" } },
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    unstubGlobals: true,
  },
});
