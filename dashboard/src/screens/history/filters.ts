// What of the history is wanted: kept in the address, so that it can be linked to and survives a reload.
import { useSearchParams } from "react-router";

import type { JournalEntry } from "../../api";
import { useBeginning } from "../../parts/date";

export const VIEWS = {
  all: [],
  used: ["charge", "use", "release", "lapse", "unuse"],
  given: ["signup", "allowance", "rollover", "grant", "refund", "adjust", "claw_back", "expire", "repay", "forgive"],
} satisfies Record<string, JournalEntry["kind"][]>;
export type View = keyof typeof VIEWS;

export const RANGES = ["7", "30", "90", "365", "all", "own"] as const;
type Range = (typeof RANGES)[number];
const FIRST: Range = "30";
const DAYS = 366;
const MONTHS = 60;

export interface Wanted {
  view: View;
  range: Range;
  /** Empty: any. */
  model: string;
  apiKey: string;
  from: string;
  until: string;
}

/** Returns what is wanted, and what changes a part of it; an empty part is taken away. */
export function useWanted(): [Wanted, (change: Record<string, string>) => void] {
  const [params, setParams] = useSearchParams();
  const view = params.get("view");
  const range = params.get("range") as Range | null;
  const wanted: Wanted = {
    view: view !== null && view in VIEWS ? (view as View) : "all",
    range: range !== null && RANGES.includes(range) ? range : FIRST,
    model: params.get("model") ?? "",
    apiKey: params.get("key") ?? "",
    from: params.get("from") ?? "",
    until: params.get("until") ?? "",
  };
  const change = (changed: Record<string, string>) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changed)) value === "" ? after.delete(name) : after.set(name, value);
        return after;
      },
      { replace: true },
    );
  return [wanted, change];
}

/** Returns what the chart asks the API for. */
export function useStretches({ range, model, apiKey, from, until }: Wanted) {
  const beginning = useBeginning();
  const own = range === "own";
  return {
    ...(range === "all" ? ({ every: "month", last: MONTHS } as const) : ({ every: "day", last: own ? DAYS : Number(range) } as const)),
    ...(own && from ? { since: beginning(from) } : {}),
    ...(own && until ? { until: beginning(until, true) } : {}),
    ...(model ? { model } : {}),
    ...(apiKey ? { key: apiKey } : {}),
  };
}

/** Returns what the lines are filtered by: they begin where the chart does, at `first`, as the API cut it. */
export function useLines({ view, range, model, apiKey, from, until }: Wanted, first: string | undefined) {
  const beginning = useBeginning();
  const own = range === "own";
  const since = own ? from && beginning(from) : range === "all" ? "" : first;
  return {
    kind: VIEWS[view],
    ...(model ? { model } : {}),
    ...(apiKey ? { key: apiKey } : {}),
    ...(since ? { since } : {}),
    ...(own && until ? { until: beginning(until, true) } : {}),
  };
}
