// When people use it in a week, as a map of warmth and as a table; which models they use, and who uses most.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Patterns as Found, WeekHour } from "../../../api";
import { showPatternsOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { useCount } from "../../../parts/count";
import { Table } from "../../../parts/table";
import { placeOf } from "../account/lines";

/** A Monday; Monday is weekday 0. */
const MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export function Patterns() {
  const { t } = useTranslation();
  const patterns = useQuery(showPatternsOptions({ query: { days: 28, users: 10 } }));
  return (
    <Answer of={patterns} rows={6}>
      {(data) => (
        <>
          <Week found={data} />
          <div className="grid gap-6 lg:grid-cols-2 [&>*]:min-w-0">
            <Models found={data} />
            <Users found={data} />
          </div>
          <p className="text-sm text-soft">{t("overview.patterns.days")}</p>
        </>
      )}
    </Answer>
  );
}

function useWeekdays(): string[] {
  const { i18n } = useTranslation();
  const form = new Intl.DateTimeFormat(i18n.language, { weekday: "short", timeZone: "UTC" });
  return Array.from({ length: 7 }, (_, day) => form.format(MONDAY + day * DAY_MS));
}

function Week({ found }: { found: Found }) {
  const { t } = useTranslation();
  const count = useCount();
  const weekdays = useWeekdays();
  const [asTable, setAsTable] = useState(false);
  const of = new Map(found.hours.map((one) => [`${one.weekday} ${one.hour}`, one]));
  const at = (weekday: number, hour: number) => of.get(`${weekday} ${hour}`);
  return (
    <Card
      title={t("overview.patterns.week", { zone: found.time_zone })}
      aside={
        <Button kind="quiet" className="min-h-8 px-2 text-xs" onClick={() => setAsTable(!asTable)}>
          {t(asTable ? "form.chart" : "form.table")}
        </Button>
      }
    >
      {asTable ? (
        <Table
          caption={t("overview.patterns.calls")}
          rows={HOURS}
          keyOf={(hour) => hour}
          columns={[
            { name: "hour", title: t("overview.patterns.hour"), cell: (hour) => `${hour}:00` },
            ...weekdays.map((title, day) => ({ name: title, title, figure: true, cell: (hour: number) => count(at(day, hour)?.turns ?? 0) })),
          ]}
        />
      ) : (
        <Warmth at={at} most={Math.max(1, ...found.hours.map((one) => one.turns))} />
      )}
    </Card>
  );
}

/** The week as squares: the more calls, the fuller the colour. */
function Warmth({ at, most }: { at: (weekday: number, hour: number) => WeekHour | undefined; most: number }) {
  const { t } = useTranslation();
  const count = useCount();
  const weekdays = useWeekdays();
  return (
    <div tabIndex={0} role="region" aria-label={t("overview.patterns.calls")} className="overflow-x-auto">
      <div role="img" aria-label={t("overview.patterns.map")} className="grid min-w-[34rem] grid-cols-[2.5rem_repeat(24,minmax(0,1fr))] gap-0.5 text-xs text-soft">
        <span />
        {HOURS.map((hour) => (
          <span key={hour} className="text-center">
            {hour % 3 === 0 ? hour : ""}
          </span>
        ))}
        {weekdays.map((title, day) => [
          <span key={title} className="self-center">
            {title}
          </span>,
          ...HOURS.map((hour) => {
            const turns = at(day, hour)?.turns ?? 0;
            return (
              <span
                key={`${title} ${hour}`}
                title={t("overview.patterns.square", { day: title, hour, count: turns, shown: count(turns) })}
                className="relative aspect-square overflow-hidden rounded-sm bg-sunk"
              >
                <span className="absolute inset-0 bg-brand" style={{ opacity: turns / most }} />
              </span>
            );
          }),
        ])}
      </div>
    </div>
  );
}

function Models({ found }: { found: Found }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <section aria-labelledby="models" className="min-w-0">
      <h2 id="models" className="mb-3 text-sm font-medium text-soft">
        {t("overview.patterns.models")}
      </h2>
      <Table
        caption={t("overview.patterns.models")}
        rows={found.models}
        keyOf={(one) => one.model}
        empty={t("overview.nobody")}
        columns={[
          { name: "model", title: t("overview.patterns.model"), cell: (one) => <span className="break-all">{one.model || t("overview.patterns.unnamed")}</span> },
          { name: "turns", title: t("overview.patterns.turns"), figure: true, cell: (one) => count(one.turns) },
          { name: "tokens", title: t("overview.patterns.tokens"), figure: true, cell: (one) => count(one.tokens), from: "sm" },
          { name: "charged", title: t("overview.patterns.charged"), figure: true, cell: (one) => one.charged.shown },
          {
            name: "share",
            title: t("overview.patterns.share"),
            figure: true,
            cell: (one) => (one.share_percent === null ? "–" : t("overview.percent", { percent: one.share_percent })),
          },
        ]}
      />
    </section>
  );
}

function Users({ found }: { found: Found }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <section aria-labelledby="users" className="min-w-0">
      <h2 id="users" className="mb-3 text-sm font-medium text-soft">
        {t("overview.patterns.users")}
      </h2>
      <Table
        caption={t("overview.patterns.users")}
        rows={found.users}
        keyOf={(one) => one.account}
        empty={t("overview.nobody")}
        columns={[
          {
            name: "account",
            title: t("overview.patterns.account"),
            cell: (one) => (
              <Link to={placeOf(one.account)} className="block min-w-28 font-medium break-all text-brand underline-offset-2 hover:underline">
                {one.account}
              </Link>
            ),
          },
          { name: "turns", title: t("overview.patterns.turns"), figure: true, cell: (one) => count(one.turns) },
          { name: "charged", title: t("overview.patterns.charged"), figure: true, cell: (one) => one.charged.shown },
          { name: "days", title: t("overview.patterns.daysUsed"), figure: true, cell: (one) => one.days },
        ]}
      />
    </section>
  );
}
