// Whether the service can be reached: where not, it is said once, above whatever was last seen.
import { hashKey, onlineManager, useQueryClient, type Query } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useCallback, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { showMeQueryKey } from "../api/@tanstack/react-query.gen";
import { isProblem } from "./problem";

type Reached = "reached" | "stale" | "lost";

/** What went wrong with a question that is being asked again: it counts until an answer comes. */
const troubles = new WeakMap<Query, unknown>();

/** Tells whether the browser has a network and the last answers came, a no being one; and else, whether any was seen. */
function useReach(): Reached {
  const cache = useQueryClient().getQueryCache();
  const watch = useCallback(
    (changed: () => void) => {
      const heard = cache.subscribe((event) => {
        if (event.type === "updated" && event.action.type === "error") troubles.set(event.query, event.action.error);
        changed();
      });
      const ends = [onlineManager.subscribe(changed), heard];
      return () => ends.forEach((end) => end());
    },
    [cache],
  );
  return useSyncExternalStore(watch, () => {
    const me = hashKey(showMeQueryKey());
    const asked = cache.findAll({ type: "active" }).filter(({ queryHash }) => queryHash !== me);
    if (onlineManager.isOnline() && !asked.some(isSilent)) return "reached";
    return asked.some(({ state }) => state.data !== undefined) ? "stale" : "lost";
  });
}

function isSilent(query: Query): boolean {
  const trouble = query.state.error ?? (query.state.data === undefined ? troubles.get(query) : undefined);
  return Boolean(trouble) && !isProblem(trouble);
}

export function Reach() {
  const { t } = useTranslation();
  const reached = useReach();
  return (
    <div role="status">
      {reached !== "reached" && (
        <p className="flex items-center gap-2 border-b border-line bg-sunk px-4 py-2 text-sm text-ink sm:px-6">
          <WifiOff aria-hidden className="size-4 shrink-0 text-warn" />
          {t(`state.${reached}`)}
        </p>
      )}
    </div>
  );
}
