// What a screen shows of a question to the API: that it is on its way, that it failed, that it is old, or the answer.
import type { UseQueryResult } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Failed, isProblem, Loading } from "./problem";

interface Props<T> {
  of: Pick<UseQueryResult<T, unknown>, "data" | "error" | "refetch">;
  /** How many lines of rest stand in for it meanwhile. */
  rows?: number;
  children: (data: T) => ReactNode;
}

export function Answer<T>({ of: { data, error, refetch }, rows = 3, children }: Props<T>) {
  const { t } = useTranslation();
  if (data === undefined) return error ? <Failed error={error} again={refetch} /> : <Loading rows={rows} />;
  return (
    <>
      {error && !isProblem(error) && (
        <p role="status" className="mb-4 flex items-center gap-2 rounded-lg border border-line bg-sunk px-3 py-2 text-sm text-soft">
          <WifiOff aria-hidden className="size-4 shrink-0" />
          {t("state.stale")}
        </p>
      )}
      {children(data)}
    </>
  );
}
