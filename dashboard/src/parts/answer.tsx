// What a screen shows of a question to the API: that it is on its way, that it failed, or the answer. That an answer is
// old, because the service cannot be reached, is said once for all of them (`Reach`).
import type { UseQueryResult } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { Failed, Loading } from "./problem";

interface Props<T> {
  of: Pick<UseQueryResult<T, unknown>, "data" | "error" | "refetch">;
  /** How many lines of rest stand in for it meanwhile. */
  rows?: number;
  children: (data: T) => ReactNode;
}

export function Answer<T>({ of: { data, error, refetch }, rows = 3, children }: Props<T>) {
  const [failed, setFailed] = useState<unknown>(null);
  // What went wrong stays in sight while it is asked again, by itself or by its button; an answer ends it.
  const trouble = data === undefined ? (error ?? failed) : null;
  if (trouble !== failed) setFailed(trouble);
  if (data !== undefined) return children(data);
  return trouble ? <Failed error={trouble} again={refetch} busy={!error} /> : <Loading rows={rows} />;
}
