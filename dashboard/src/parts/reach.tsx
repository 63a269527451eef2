// Whether the service can be reached: where not, it is said once, above whatever was last seen.
import { onlineManager, useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useCallback, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { isProblem } from "./problem";

/** Tells whether the browser has a network and the last answers came; an answer that is a no has come. */
function useReach(): boolean {
  const cache = useQueryClient().getQueryCache();
  const watch = useCallback(
    (changed: () => void) => {
      const ends = [onlineManager.subscribe(changed), cache.subscribe(changed)];
      return () => ends.forEach((end) => end());
    },
    [cache],
  );
  return useSyncExternalStore(watch, () => {
    const lost = cache.findAll({ type: "active" }).some(({ state }) => state.error && !isProblem(state.error));
    return onlineManager.isOnline() && !lost;
  });
}

export function Reach() {
  const { t } = useTranslation();
  const reached = useReach();
  return (
    <div role="status">
      {!reached && (
        <p className="flex items-center gap-2 border-b border-line bg-sunk px-4 py-2 text-sm text-ink sm:px-6">
          <WifiOff aria-hidden className="size-4 shrink-0 text-warn" />
          {t("state.stale")}
        </p>
      )}
    </div>
  );
}
