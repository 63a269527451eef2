/** How long a figure that people watch may be old: it is asked for again after this time while the page is seen. */
export const LIVE_MS = 5_000;
