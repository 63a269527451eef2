// Where an account stands: the card, what the credit is made of, how long it lasts, and what was used lately.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Balance, WayUp } from "../api";
import {
  showAccountForecastOptions, showAccountForecastQueryKey, showAccountPathOptions, showAccountUsageOptions,
  showAccountUsageQueryKey, showBalanceOptions,
} from "../api/@tanstack/react-query.gen";
import { Answer } from "../parts/answer";
import { Card, Head, Vacant } from "../parts/card";
import { useDate } from "../parts/date";
import { Figure, Figures } from "../parts/figure";
import { Lasting } from "../parts/lasting";
import { CALM_MS, LIVE_MS, useAgain } from "../parts/live";
import { UsageCard } from "../parts/usage-card";
import { ModelChart } from "../parts/use-chart";
import { useMe } from "../session";

const MINE = { path: { ref: "me" } };
const LATELY = { ...MINE, query: { every: "day", last: 30, by: "model" } } as const;

export default function Screen() {
  const { t } = useTranslation();
  const { account } = useMe();
  const balance = useQuery({ ...showBalanceOptions(MINE), enabled: account !== null, refetchInterval: LIVE_MS });
  const way = useQuery({ ...showAccountPathOptions(MINE), enabled: account !== null });
  if (account === null) return <Vacant title={t("nav.usage")}>{t("state.noAccount")}</Vacant>;
  return (
    <>
      <Head title={t("nav.usage")} />
      <Answer of={balance}>
        {(data) => (
          <div className="space-y-4">
            <Stand balance={data} way={way.data} />
            <Lately balance={data} />
          </div>
        )}
      </Answer>
    </>
  );
}

function Stand({ balance, way }: { balance: Balance; way: WayUp | undefined }) {
  const { t } = useTranslation();
  const above = way && way.payer !== balance.account ? way.payer : undefined;
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[3fr_2fr]">
      <div className="min-w-0 space-y-4">
        <UsageCard balance={balance} payer={above} />
        {way && way.refs.length > 1 && (
          <p className="px-1 text-sm text-soft">
            {t("usage.way", { way: way.refs.toReversed().join(" › ") })}
            {above && (
              <>
                {" · "}
                {t("usage.payer", { payer: above })} {t("usage.ofYours", { used: balance.used.shown })}
              </>
            )}
          </p>
        )}
        <Held balance={balance} />
        <Forecast balance={balance} />
      </div>
      <Origins balance={balance} />
    </div>
  );
}

/** Free, bought and bonus: the sum of each, its lots below it with their ends. */
function Origins({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const date = useDate();
  return (
    <Card title={t("usage.origins")}>
      <ul className="divide-y divide-line">
        {balance.origins.map((one) => {
          const lots = balance.lots.filter((lot) => lot.origin === one.origin);
          return (
            <li key={one.origin} data-origin={one.origin} className="py-2.5 first:pt-0 last:pb-0">
              <p className="flex items-baseline justify-between gap-4 font-medium">
                <span>{t(`usage.origin.${one.origin}`)}</span>
                <span>{one.left.shown}</span>
              </p>
              {lots.length > 0 && (
                <ul className="mt-1 space-y-1 text-sm text-soft">
                  {lots.map((lot, place) => (
                    <li key={place} className="flex flex-wrap justify-between gap-x-4">
                      <span>
                        {t(`source.${lot.source}`)}, {lot.expires_at ? t("time.until", { at: date(lot.expires_at) }) : t("time.forGood")}
                      </span>
                      <span>{lot.left.shown}</span>
                    </li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Forecast({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const forecast = useQuery({ ...showAccountForecastOptions(MINE), refetchInterval: CALM_MS });
  useAgain(showAccountForecastQueryKey(MINE), balance.available.value);
  return (
    <Card title={t("usage.forecast.title")}>
      <Answer of={forecast} rows={2}>
        {(data) => <Lasting forecast={data} />}
      </Answer>
    </Card>
  );
}

/** What open calls have set aside, and what went beyond the credit, where there is any. */
function Held({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const [open, owed] = [Number(balance.held.value) !== 0, Number(balance.debt.value) !== 0];
  if (!open && !owed) return null;
  return (
    <Figures>
      {open && (
        <Figure title={t("usage.held")} note={t("usage.heldLead")}>
          {balance.held.shown}
        </Figure>
      )}
      {owed && (
        <Figure title={t("usage.debt")} note={t("usage.debtLead")}>
          {balance.debt.shown}
        </Figure>
      )}
    </Figures>
  );
}

function Lately({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const used = useQuery({ ...showAccountUsageOptions(LATELY), refetchInterval: CALM_MS });
  useAgain(showAccountUsageQueryKey(LATELY), balance.used.value);
  const more = (
    <Link to="/history" className="text-sm text-brand underline">
      {t("nav.history")}
    </Link>
  );
  return (
    <Card title={t("usage.lately")} aside={more}>
      <Answer of={used}>
        {(data) => <ModelChart use={data} />}
      </Answer>
    </Card>
  );
}
