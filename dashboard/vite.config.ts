// How the pages are built: one folder of files that the server hands out under /app/, each also compressed.
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { compressed } from "./compressed.ts";

export default defineConfig({
  base: "/app/",
  plugins: [react(), tailwindcss(), compressed()],
  build: { outDir: "../src/tokenhouse/pages", emptyOutDir: true, target: "es2023", modulePreload: { polyfill: false } },
  server: { proxy: { "/api": process.env["TOKENHOUSE_URL"] ?? "http://127.0.0.1:8300" } },
});
