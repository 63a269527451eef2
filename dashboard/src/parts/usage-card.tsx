// The usage card in its five states, as the rules tell them: nothing is reckoned here.
import { Ban, CircleCheck, CircleAlert, ShoppingCart, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Balance } from "../api";
import { useDate } from "./date";
import "../words/usage";

const LOOKS = {
  normal: { icon: CircleCheck, ink: "text-good", bar: "bg-good" },
  buy: { icon: ShoppingCart, ink: "text-notice", bar: "bg-notice" },
  warning: { icon: TriangleAlert, ink: "text-warn", bar: "bg-warn" },
  critical: { icon: CircleAlert, ink: "text-bad", bar: "bg-bad" },
  blocked: { icon: Ban, ink: "text-bad", bar: "bg-bad" },
} as const;

export function UsageCard({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const date = useDate();
  const { icon: Icon, ink, bar } = LOOKS[balance.level];
  const percent = balance.used_percent;
  return (
    <section aria-labelledby="usage" data-level={balance.level} className="rounded-card border border-line bg-panel p-5 sm:p-6">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 id="usage" className="text-sm font-medium text-soft">
          {t("card.left")}
        </h2>
        <p className="text-sm text-soft">{t("card.plan", { plan: balance.plan })}</p>
      </div>
      <p className="mt-1 text-4xl font-semibold tracking-tight">
        {balance.remaining.shown} <span className="text-lg font-normal text-soft">{t(`unit.${balance.remaining.unit}`)}</span>
      </p>
      <div
        role="meter"
        aria-label={t("card.used")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(percent, 100)}
        aria-valuetext={t("card.percent", { percent })}
        className="mt-5 h-2.5 overflow-hidden rounded-full bg-sunk"
      >
        <div className={`h-full rounded-full ${bar}`} style={{ width: `${Math.min(percent, 100)}%` }} />
      </div>
      <p className="mt-2 flex flex-wrap justify-between gap-x-4 text-sm text-soft">
        <span>{t("card.usedOf", { used: balance.used.shown, percent })}</span>
        {balance.period_end_at && <span>{t("card.renews", { at: date(balance.period_end_at) })}</span>}
      </p>
      <p role="status" className={`mt-4 flex items-start gap-2 text-sm font-medium ${ink}`}>
        <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
        <span>
          {t(`card.state.${balance.level}`)}
          {balance.estimated_turns !== null && balance.level !== "blocked" && (
            <span className="font-normal text-soft"> {t("card.turns", { count: balance.estimated_turns })}</span>
          )}
        </span>
      </p>
    </section>
  );
}
