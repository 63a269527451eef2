// Light, dark, or as the system has it: kept in the browser, and seen by everything that shows it.
import { useSyncExternalStore } from "react";

export const THEMES = ["light", "dark", "system"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "theme";
const hearers = new Set<() => void>();
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function paint(): void {
  const theme = chosen();
  document.documentElement.dataset.theme = theme === "system" ? (system.matches ? "dark" : "light") : theme;
  for (const hear of hearers) hear();
}

system.addEventListener("change", paint);

/** Paints the pages so from now on, and the next time as well. */
export function choose(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, theme);
  paint();
}

function listen(hear: () => void): () => void {
  hearers.add(hear);
  return () => hearers.delete(hear);
}

/** Returns what was chosen. */
export function useTheme(): Theme {
  return useSyncExternalStore(listen, chosen);
}

/** Returns whether the pages are dark now. */
export function useDark(): boolean {
  return useSyncExternalStore(listen, () => document.documentElement.dataset.theme === "dark");
}
