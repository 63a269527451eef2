// How <tokenhouse-card> is built, after the pages and beside them: one small script for other people's sites.
import { defineConfig } from "vite";

import { compressed } from "./compressed.ts";

export default defineConfig({
  plugins: [compressed()],
  publicDir: false,
  build: {
    outDir: "../src/tokenhouse/pages",
    emptyOutDir: false,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // The first that know light-dark().
    lib: { entry: "src/card/tokenhouse-card.ts", formats: ["iife"], name: "tokenhouseCard", fileName: () => "card.js" },
  },
});
