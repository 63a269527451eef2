// Money: what came in by currency, and what the providers take beside what was charged.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Costs, Purchases } from "../../../api";
import { showCostsOptions, showPurchasesOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Card } from "../../../parts/card";
import { useCount } from "../../../parts/count";
import { usePlace } from "../../../parts/date";
import { Table } from "../../../parts/table";
import { useUnit } from "../../../parts/unit";

const MONTH = { query: { every: "month", last: 1 } } as const;
const YEAR = { query: { every: "month", last: 12 } } as const;

export function Money() {
  const { t } = useTranslation();
  const purchases = useQuery(showPurchasesOptions(YEAR));
  const costs = useQuery(showCostsOptions(MONTH));
  return (
    <div className="grid gap-6 lg:grid-cols-2 [&>*]:min-w-0">
      <Card title={t("overview.money.title")}>
        <Answer of={purchases}>{(data) => <Income purchases={data} />}</Answer>
      </Card>
      <Card title={t("overview.costs.title")}>
        <Answer of={costs}>{(data) => <Taken costs={data} />}</Answer>
      </Card>
    </div>
  );
}

function Income({ purchases }: { purchases: Purchases }) {
  const { t } = useTranslation();
  const count = useCount();
  const place = usePlace("month", purchases.time_zone);
  if (purchases.lines.length === 0) return <p className="text-soft">{t("overview.money.none")}</p>;
  return (
    <div className="space-y-4">
      <dl className="flex flex-wrap gap-x-8 gap-y-3">
        {purchases.income.map((one) => (
          <div key={one.currency} data-currency={one.currency}>
            <dt className="text-sm text-soft">{t("overview.money.kept", { currency: one.currency })}</dt>
            <dd className="text-2xl font-semibold tracking-tight">{one.kept.shown}</dd>
            <dd className="text-sm text-soft">
              {t("overview.money.paid", { count: one.orders, shown: count(one.orders), paid: one.paid.shown, refunded: one.refunded.shown })}
            </dd>
          </div>
        ))}
      </dl>
      <Table
        caption={t("overview.money.lines")}
        rows={purchases.lines.toReversed()}
        keyOf={(one) => `${one.start_at} ${one.type} ${one.state} ${one.currency}`}
        columns={[
          { name: "month", title: t("overview.money.month"), cell: (one) => <span className="whitespace-nowrap">{place(one.start_at)}</span> },
          { name: "what", title: t("overview.money.what"), cell: (one) => `${t(`overview.money.types.${one.type}`)}, ${t(`overview.money.states.${one.state}`)}` },
          { name: "orders", title: t("overview.money.orders"), figure: true, cell: (one) => count(one.orders) },
          { name: "price", title: t("overview.money.price"), figure: true, cell: (one) => one.price.shown },
          { name: "credit", title: t("overview.money.credit"), figure: true, cell: (one) => one.credit.shown, from: "sm" },
        ]}
      />
    </div>
  );
}

function Taken({ costs }: { costs: Costs }) {
  const { t } = useTranslation();
  const count = useCount();
  const unit = useUnit();
  if (costs.lines.length === 0) return <p className="text-soft">{t("overview.nobody")}</p>;
  return (
    <div className="space-y-4">
      <dl className="flex flex-wrap gap-x-8 gap-y-3">
        <div>
          <dt className="text-sm text-soft">{t("overview.costs.charged", { unit: unit(costs.charged.unit) })}</dt>
          <dd className="text-2xl font-semibold tracking-tight">{costs.charged.shown}</dd>
        </div>
        {costs.costs.map((one) => (
          <div key={one.unit}>
            <dt className="text-sm text-soft">{t("overview.costs.taken", { unit: unit(one.unit) })}</dt>
            <dd className="text-2xl font-semibold tracking-tight">{one.shown}</dd>
          </div>
        ))}
      </dl>
      {costs.costs.length === 0 && <p className="text-sm text-soft">{t("overview.costs.unknown")}</p>}
      <Table
        caption={t("overview.costs.lines")}
        rows={costs.lines}
        keyOf={(one) => one.model}
        columns={[
          { name: "model", title: t("overview.patterns.model"), cell: (one) => <span className="break-all">{one.model || t("overview.patterns.unnamed")}</span> },
          { name: "turns", title: t("overview.patterns.turns"), figure: true, cell: (one) => count(one.turns), from: "sm" },
          { name: "charged", title: t("overview.patterns.charged"), figure: true, cell: (one) => one.charged.shown },
          { name: "cost", title: t("overview.costs.cost"), figure: true, cell: (one) => one.cost?.shown ?? "–" },
        ]}
      />
    </div>
  );
}
