// Where an account stands: the card as its user sees it, the credit that is left lot by lot, forecast, use, open calls.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Account, Balance, Grant } from "../../../api";
import {
  listGrantsOptions, listReservationsOptions, showAccountForecastOptions, showAccountPathOptions, showAccountUsageOptions,
  showBalanceOptions,
} from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { useDate, useMoment } from "../../../parts/date";
import { Lasting } from "../../../parts/lasting";
import { LIVE_MS } from "../../../parts/live";
import { Empty } from "../../../parts/problem";
import { Table } from "../../../parts/table";
import { UsageCard } from "../../../parts/usage-card";
import { ModelChart } from "../../../parts/use-chart";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { TakingBack } from "./credit-acts";
import { forActing, Part } from "./part";
import { Limits, Tree } from "./tree";

export function Standing({ account }: { account: Account }) {
  const path = { ref: account.ref };
  const balance = useQuery({ ...showBalanceOptions({ path }), refetchInterval: LIVE_MS });
  const way = useQuery(showAccountPathOptions({ path })).data;
  const payer = way && way.payer !== account.ref ? way.payer : undefined;
  return (
    <div className="space-y-6">
      <Answer of={balance}>
        {(data) => (
          <div className="grid gap-6 lg:grid-cols-[3fr_2fr]">
            <div className="min-w-0 space-y-6">
              <UsageCard balance={data} payer={payer} watched />
              <Tree account={account} />
            </div>
            <div className="min-w-0 space-y-6">
              <Origins balance={data} />
              <Forecast account={account.ref} />
            </div>
          </div>
        )}
      </Answer>
      <Lots account={account.ref} />
      <Use account={account.ref} />
      <Limits account={account.ref} />
      <OpenCalls account={account.ref} />
    </div>
  );
}

function Origins({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const date = useDate();
  return (
    <Card title={t("account.origins")}>
      <ul className="divide-y divide-line">
        {balance.origins.map((one) => (
          <li key={one.origin} data-origin={one.origin} className="flex items-baseline justify-between gap-4 py-2.5 first:pt-0 last:pb-0">
            <span>
              {t(`usage.origin.${one.origin}`)}
              {one.ends_at && <span className="block text-sm text-soft">{t("usage.ends", { at: date(one.ends_at) })}</span>}
            </span>
            <span className="max-w-[70%] shrink-0 text-right font-medium wrap-anywhere tabular-nums">{one.left.shown}</span>
          </li>
        ))}
        {(["held", "debt"] as const)
          .filter((name) => balance[name].value !== "0")
          .map((name) => (
            <li key={name} data-origin={name} className="flex items-baseline justify-between gap-4 py-2.5 last:pb-0">
              <span>
                {t(`usage.${name}`)}
                <span className="block text-sm text-soft">{t(`usage.${name}Lead`)}</span>
              </span>
              <span className={`max-w-[70%] shrink-0 text-right font-medium wrap-anywhere tabular-nums ${name === "debt" ? "text-bad" : ""}`}>−{balance[name].shown}</span>
            </li>
          ))}
      </ul>
    </Card>
  );
}

function Forecast({ account }: { account: string }) {
  const { t } = useTranslation();
  const forecast = useQuery({ ...showAccountForecastOptions({ path: { ref: account } }), refetchInterval: LIVE_MS });
  return (
    <Card title={t("usage.forecast.title")}>
      <Answer of={forecast} rows={2}>
        {(data) => <Lasting forecast={data} />}
      </Answer>
    </Card>
  );
}

function Lots({ account }: { account: string }) {
  const { t } = useTranslation();
  const date = useDate();
  const acts = may(useMe(), "operator");
  const [taken, setTaken] = useState<Grant | null>(null);
  const grants = useQuery({ ...listGrantsOptions({ path: { ref: account } }), refetchInterval: LIVE_MS });
  return (
    <Part title={t("account.lots")}>
      <Answer of={grants}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("account.lot.none")}</Empty>
          ) : (
            <Table
              caption={t("account.lots")}
              rows={items}
              keyOf={(one) => one.seq}
              columns={forActing<Grant>(acts, [
                { name: "source", title: t("account.lot.source"), cell: (one) => t(`source.${one.source}`) },
                { name: "given", title: t("account.lot.given"), figure: true, cell: (one) => one.given.shown },
                { name: "left", title: t("account.lot.left"), figure: true, cell: (one) => <span className="font-medium">{one.left.shown}</span> },
                { name: "since", title: t("account.lot.since"), from: "sm", cell: (one) => (one.granted_at ? date(one.granted_at) : "–") },
                { name: "until", title: t("account.lot.until"), cell: (one) => (one.expires_at ? date(one.expires_at) : t("account.lot.forever")) },
                { name: "note", title: t("account.lot.note"), from: "md", cell: (one) => one.note },
                {
                  name: "act",
                  title: "",
                  figure: true,
                  cell: (one) =>
                    acts && one.id && (
                      <Button kind="plain" className="min-h-8 px-3" aria-label={`${t("account.clawBack")}: ${t(`source.${one.source}`)} ${one.left.shown}`} onClick={() => setTaken(one)}>
                        {t("account.clawBack")}
                      </Button>
                    ),
                },
              ])}
            />
          )
        }
      </Answer>
      {taken && <TakingBack account={account} grant={taken} onClose={() => setTaken(null)} />}
    </Part>
  );
}

function Use({ account }: { account: string }) {
  const { t } = useTranslation();
  const query = { every: "day", last: 30, by: "model" } as const;
  const used = useQuery({ ...showAccountUsageOptions({ path: { ref: account }, query }), refetchInterval: LIVE_MS });
  return (
    <Card title={t("usage.lately")}>
      <Answer of={used}>
        {(data) => <ModelChart use={data} />}
      </Answer>
    </Card>
  );
}

function OpenCalls({ account }: { account: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const open = useQuery({ ...listReservationsOptions({ path: { ref: account } }), refetchInterval: LIVE_MS });
  return (
    <Part title={t("account.open")}>
      <Answer of={open} rows={1}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="text-soft">{t("usage.heldNone")}</p>
          ) : (
            <Table
              caption={t("account.open")}
              rows={items}
              keyOf={(one) => one.id}
              columns={[
                { name: "id", title: t("account.reservation.id"), cell: (one) => <code className="font-mono text-xs break-all">{one.id}</code> },
                { name: "model", title: t("account.reservation.model"), cell: (one) => one.model || "–" },
                { name: "held", title: t("account.reservation.held"), figure: true, cell: (one) => one.held.shown },
                { name: "since", title: t("account.reservation.since"), cell: (one) => moment(one.reserved_at) },
                { name: "until", title: t("account.reservation.until"), cell: (one) => (one.lapses_at ? moment(one.lapses_at) : "–") },
              ]}
            />
          )
        }
      </Answer>
    </Part>
  );
}
