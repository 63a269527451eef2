// What somebody near their end is told above the box, and whether they may send at all: said by the service.
import { useQuery } from "@tanstack/react-query";
import { Ban, CircleAlert, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Balance } from "../../api";
import { showAccountPathOptions, showBalanceOptions } from "../../api/@tanstack/react-query.gen";
import { LIVE_MS } from "../../parts/live";
import { useUnit } from "../../parts/unit";
import "../../words/usage";
import { useTold } from "./turn";

const LOOKS = {
  warning: { icon: TriangleAlert, ink: "text-warn", edge: "border-warn/50" },
  critical: { icon: CircleAlert, ink: "text-bad", edge: "border-bad/50" },
  blocked: { icon: Ban, ink: "text-bad", edge: "border-bad" },
} as const;

const MINE = { path: { ref: "me" } };

/** Returns where the account stands, asked for again and again: a purchase or a grant counts at once. */
export function useStanding() {
  return useQuery({ ...showBalanceOptions(MINE), refetchInterval: LIVE_MS });
}

/** Tells why nothing can be sent, or null where it can. */
export function barOf(balance: Balance | undefined): "suspended" | "blocked" | null {
  if (balance === undefined) return null;
  if (balance.state !== "active") return "suspended";
  return balance.level === "blocked" ? "blocked" : null;
}

export function Standing({ balance }: { balance: Balance | undefined }) {
  const { t } = useTranslation();
  const told = useTold();
  const unit = useUnit();
  const way = useQuery(showAccountPathOptions(MINE)).data;
  const payer = way && way.payer !== balance?.account ? way.payer : undefined;
  const bar = barOf(balance);
  if (balance === undefined || (bar === null && (balance.level === "normal" || balance.level === "buy"))) return null;
  const level = bar ?? (balance.level as "warning" | "critical");
  const { icon: Icon, ink, edge } = LOOKS[level === "suspended" ? "blocked" : level];
  // The answer's own words, as long as they are of this very figure.
  const fits = told?.remaining === balance.remaining.value && told.warning.level === level.toUpperCase();
  const words = bar === "suspended" ? t("chat.suspended") : payer ? t(`card.stateOf.${level}`, { payer }) : bar ? t("chat.blocked") : fits ? told.warning.message : t(`card.state.${level}`);
  const { remaining, estimated_turns: count } = balance;
  const left = fits && !bar && !payer ? null : t("chat.left", { amount: remaining.shown, unit: unit(remaining.unit) });
  const turns = bar || count === null ? null : t("card.turns", { count });
  return (
    <div data-level={level} className={`flex flex-wrap items-center gap-x-4 gap-y-2 rounded-card border ${edge} bg-panel px-4 py-3`}>
      <div role="status" id="standing" className="flex min-w-0 flex-1 basis-60 items-start gap-2 text-sm">
        <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${ink}`} />
        <p>
          <span className={`font-medium ${ink}`}>{words}</span>{" "}
          <span className="text-soft">
            {[left, turns].filter((one) => one !== null).join(" · ")}
          </span>
        </p>
      </div>
      {level !== "suspended" && !payer && (
        <Link to="/buy" className="inline-flex min-h-10 items-center rounded-lg bg-brand px-4 text-sm font-medium text-on-brand hover:brightness-110">
          {t("card.buy")}
        </Link>
      )}
    </div>
  );
}
