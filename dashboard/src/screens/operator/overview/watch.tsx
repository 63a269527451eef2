// What must not break unseen: new accounts get their balance, periods renew, people use it. And how long credit lasts.
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Monitoring } from "../../../api";
import { showMonitoringOptions, showOutlookOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Card } from "../../../parts/card";
import { Chart } from "../../../parts/chart";
import { useCount, useWhole } from "../../../parts/count";
import { usePlace } from "../../../parts/date";
import { Lasting as Forecast } from "../../../parts/lasting";

export function Lasting() {
  const { t } = useTranslation();
  const outlook = useQuery(showOutlookOptions());
  return (
    <Card title={t("overview.lasting.title")}>
      <Answer of={outlook} rows={3}>
        {(data) => (
          <>
            <Forecast forecast={data} />
            <p className="mt-2 text-sm text-soft">
              {t("overview.lasting.available", { amount: data.available.shown })} {t("overview.lasting.known", { count: data.days_known })}
            </p>
          </>
        )}
      </Answer>
    </Card>
  );
}

export function Watch() {
  const { t } = useTranslation();
  const watch = useQuery(showMonitoringOptions({ query: { days: 14 } }));
  return (
    <Card title={t("overview.watch.title")}>
      <Answer of={watch} rows={5}>
        {(data) => <Points watch={data} />}
      </Answer>
    </Card>
  );
}

function Points({ watch }: { watch: Monitoring }) {
  const { t } = useTranslation();
  const count = useCount();
  const place = usePlace("day", watch.time_zone);
  const whole = useWhole();
  return (
    <div className="grid gap-6 lg:grid-cols-2 [&>*]:min-w-0">
      <ul className="space-y-2">
        <Point good={watch.waiting === 0}>
          {watch.waiting === 0 ? t("overview.watch.signups") : t("overview.watch.waiting", { count: watch.waiting, shown: count(watch.waiting) })}
        </Point>
        <Point good={watch.stuck === 0}>
          {watch.stuck === 0
            ? t("overview.watch.renewal", { renewed: count(watch.renewed), first: count(watch.first), idle: count(watch.idle) })
            : t("overview.watch.stuck", { count: watch.stuck, shown: count(watch.stuck) })}
        </Point>
      </ul>
      <Chart
        title={t("overview.watch.trend")}
        kind="lines"
        say={whole}
        places={watch.days.map((day) => place(day.start_at))}
        series={[
          { title: t("overview.watch.turns"), tone: "brand", points: watch.days.map(({ turns }) => ({ value: turns, shown: count(turns) })) },
          { title: t("overview.watch.came"), tone: "notice", points: watch.days.map(({ signups }) => ({ value: signups, shown: count(signups) })) },
          { title: t("overview.watch.renewed"), tone: "soft", points: watch.days.map(({ renewed }) => ({ value: renewed, shown: count(renewed) })) },
        ]}
      />
    </div>
  );
}

/** One point that is watched: well, or not. */
function Point({ good, children }: { good: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  const Icon = good ? CircleCheck : CircleAlert;
  return (
    <li data-good={good} className="flex items-start gap-2 text-sm">
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${good ? "text-good" : "text-bad"}`} />
      <span>
        <strong className={`font-medium ${good ? "text-good" : "text-bad"}`}>{t(good ? "overview.watch.good" : "overview.watch.bad")}</strong> {children}
      </span>
    </li>
  );
}
