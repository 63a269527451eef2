// The usage card in its five states, as the rules tell them: nothing is reckoned here.
import { Ban, CircleCheck, CircleAlert, ShoppingCart, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Balance } from "../api";
import { useDate } from "./date";
import { useUnit } from "./unit";
import "../words/usage";

/** A figure longer than this is set smaller on a phone: it stays on one line. */
const LONG = 12;

const LOOKS = {
  normal: { icon: CircleCheck, ink: "text-good", bar: "bg-good", banner: null },
  buy: { icon: ShoppingCart, ink: "text-notice", bar: "bg-notice", banner: null },
  warning: { icon: TriangleAlert, ink: "text-warn", bar: "bg-warn", banner: "border-warn bg-warn/10" },
  critical: { icon: CircleAlert, ink: "text-bad", bar: "bg-bad", banner: "border-bad bg-bad/10" },
  blocked: { icon: Ban, ink: "text-bad", bar: "bg-bad", banner: "border-bad bg-bad/15" },
} as const;

interface Props {
  balance: Balance;
  /** Who pays, where that is an account above this one. */
  payer?: string | undefined;
  /** Somebody else's card, as an operator sees it: nothing is bought from it. */
  watched?: boolean;
}

export function UsageCard({ balance, payer, watched = false }: Props) {
  const { t } = useTranslation();
  const date = useDate();
  const unit = useUnit();
  const { bar } = LOOKS[balance.level];
  const percent = balance.used_percent;
  return (
    <section aria-labelledby="usage" data-level={balance.level} className="rounded-card border border-line bg-panel p-5 sm:p-6">
      <Banner balance={balance} payer={payer} watched={watched} />
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 id="usage" className="text-sm font-medium text-soft">
          {payer ? t("card.leftOf", { payer }) : t("card.left")}
        </h2>
        <p className="text-sm text-soft">{t("card.plan", { plan: balance.plan_title })}</p>
      </div>
      <p className={`mt-1 font-semibold tracking-tight break-words ${balance.remaining.shown.length > LONG ? "text-2xl sm:text-4xl" : "text-4xl"}`}>
        {balance.remaining.shown} <span className="text-lg font-normal text-soft">{unit(balance.remaining.unit)}</span>
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
        <span>{payer ? t("card.percentOf", { payer, percent }) : t("card.usedOf", { used: balance.used.shown, percent })}</span>
        {balance.period_end_at && <span>{t("card.renews", { at: date(balance.period_end_at) })}</span>}
      </p>
      {balance.state === "active" && <Standing balance={balance} payer={payer} watched={watched} />}
    </section>
  );
}

/** Returns what says the state: to who may buy, to who draws on somebody else's credit, to who only looks. */
function useSaid(level: Balance["level"], { payer, watched }: Omit<Props, "balance">): string {
  const { t } = useTranslation();
  if (watched) return t(`card.stateSeen.${level}`);
  return payer ? t(`card.stateOf.${level}`, { payer }) : t(`card.state.${level}`);
}

/** What it means, how many turns that is, and the way to more of it. */
function Standing({ balance, payer, watched }: Props) {
  const { t } = useTranslation();
  const { icon: Icon, ink, banner } = LOOKS[balance.level];
  const state = useSaid(balance.level, { payer, watched });
  const turns = balance.estimated_turns !== null && balance.level !== "blocked" ? t("card.turns", { count: balance.estimated_turns }) : null;
  return (
    <div className="mt-4 flex flex-wrap items-center justify-between gap-3">
      <p role="status" className="flex min-w-0 flex-1 basis-56 items-start gap-2 text-sm text-soft">
        {!banner && <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${ink}`} />}
        <span>
          {!banner && <span className={`font-medium ${ink}`}>{state}</span>} {turns}
        </span>
      </p>
      {balance.level !== "normal" && !payer && !watched && (
        <Link
          to="/buy"
          className="inline-flex min-h-10 shrink-0 items-center gap-2 rounded-lg bg-brand px-4 text-sm font-medium text-on-brand hover:brightness-110"
        >
          <ShoppingCart aria-hidden className="size-4" />
          {t("card.buy")}
        </Link>
      )}
    </div>
  );
}

/** The banner of an account near its end, or of one that is closed to calls whatever it has. */
function Banner({ balance, payer, watched }: Props) {
  const { t } = useTranslation();
  const { icon, ink, banner } = LOOKS[balance.level];
  const state = useSaid(balance.level, { payer, watched });
  const shut = balance.state !== "active";
  if (!banner && !shut) return null;
  const Icon = shut ? Ban : icon;
  return (
    <div
      role={balance.level === "warning" && !shut ? "status" : "alert"}
      className={`mb-4 flex items-start gap-2 rounded-lg border px-3 py-2.5 text-sm font-medium ${shut ? "border-bad bg-bad/10" : banner}`}
    >
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${shut ? "text-bad" : ink}`} />
      <span>{shut ? t(`card.${watched ? "shutSeen" : "shut"}.${balance.state}`) : state}</span>
    </div>
  );
}
