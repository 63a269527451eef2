// How fresh figures are kept while somebody looks.
import { useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

/** How long a figure that people watch may be old: it is asked for again after this time while the page is seen. */
export const LIVE_MS = 5_000;
/** The same of what follows from such figures: it is asked for at once when they change. */
export const CALM_MS = 60_000;

/** Loads the page again once the service, which could not be reached, is there again: for what cannot be asked for anew. */
export function useReturn(lost: boolean): void {
  useEffect(() => {
    if (!lost) return;
    let away = !navigator.onLine;
    const look = () =>
      fetch("/health", { cache: "no-store" }).then(
        ({ ok }) => {
          if (ok && away) location.reload();
        },
        () => {
          away = true;
        },
      );
    void look();
    const often = setInterval(() => void look(), LIVE_MS);
    return () => clearInterval(often);
  }, [lost]);
}

/** Asks a question again as soon as a figure that its answer hangs on has changed. */
export function useAgain(queryKey: QueryKey, figure: string): void {
  const queries = useQueryClient();
  const seen = useRef(figure);
  useEffect(() => {
    if (seen.current === figure) return;
    seen.current = figure;
    void queries.invalidateQueries({ queryKey });
  });
}
