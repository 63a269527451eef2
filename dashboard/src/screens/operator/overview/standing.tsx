// Where all accounts stand: the figures, how near their ends they are, and those that used most.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { AccountLine, Buckets as Counted, Statistics } from "../../../api";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { Chart } from "../../../parts/chart";
import { useCount, useWhole } from "../../../parts/count";
import { Figure } from "../../../parts/figure";
import { Empty } from "../../../parts/problem";
import { useUnit } from "../../../parts/unit";
import { Lines } from "../account/lines";
import "../../../words/accounts";

const BUCKETS = ["under50", "under80", "under90", "under95", "over95"] as const;
/** How many of those that used most show before somebody wants them all. */
const FIRST = 10;

export function Standing({ figures: { overview } }: { figures: Statistics }) {
  const { t } = useTranslation();
  const count = useCount();
  const unit = useUnit()(overview.used.unit);
  return (
    <section aria-label={t("overview.figures", { unit })}>
      <dl className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        <Figure title={t("overview.accounts")} note={t("overview.withBalance", { count: overview.with_balance, shown: count(overview.with_balance) })}>
          {count(overview.accounts)}
        </Figure>
        <Figure title={t("overview.active")} note={t("overview.turns", { count: overview.turns, shown: count(overview.turns), mean: overview.turns_mean === 0 && overview.turns > 0 ? "< 1" : count(overview.turns_mean) })}>
          {count(overview.active)}
        </Figure>
        <Figure title={t("overview.used", { unit })} note={t("overview.mean", { mean: overview.used_mean.shown, most: overview.used_max.shown })}>
          {overview.used.shown}
        </Figure>
        <Figure title={t("overview.left", { unit })} note={t("overview.debt", { debt: overview.debt.shown })}>
          {overview.left.shown}
        </Figure>
        <Figure title={t("overview.bought", { unit })} note={t("overview.mean", { mean: overview.bought_mean.shown, most: overview.bought_max.shown })}>
          {overview.bought.shown}
        </Figure>
        <Figure
          title={t("overview.exhausted")}
          note={
            <Link to="/operator/accounts?view=gone" className="text-brand underline underline-offset-2">
              {t("overview.exhaustedWho")}
            </Link>
          }
        >
          {count(overview.exhausted)}
        </Figure>
      </dl>
    </section>
  );
}

export function Buckets({ buckets }: { buckets: Counted }) {
  const { t } = useTranslation();
  const count = useCount();
  const whole = useWhole();
  return (
    <Card title={t("overview.buckets.title")}>
      <Chart
        title={t("overview.buckets.lead")}
        say={whole}
        places={BUCKETS.map((one) => t(`overview.buckets.${one}`))}
        series={[{ title: t("overview.accounts"), points: BUCKETS.map((one) => ({ value: buckets[one], shown: count(buckets[one]) })) }]}
      />
    </Card>
  );
}

export function Top({ lines }: { lines: AccountLine[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const shown = all ? lines : lines.slice(0, FIRST);
  return (
    <section aria-labelledby="top">
      <h2 id="top" className="mb-3 text-sm font-medium text-soft">
        {t("overview.top")}
      </h2>
      {lines.length === 0 ? (
        <Empty>{t("overview.nobody")}</Empty>
      ) : (
        <Lines lines={shown.map((one) => ({ ref: one.account, name: one.name, email: one.email, plan: one.plan, state: one.state, figures: one }))} />
      )}
      {!all && lines.length > FIRST && (
        <Button kind="plain" className="mt-4 w-full" onClick={() => setAll(true)}>
          {t("overview.topAll", { count: lines.length })}
        </Button>
      )}
    </section>
  );
}
