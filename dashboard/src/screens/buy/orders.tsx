// Everything that an account has ordered, in its four states.
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Order, Package } from "../../api";
import { listOrdersInfiniteOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { useMoment } from "../../parts/date";
import { Badge, type Tone } from "../../parts/figure";
import { LIVE_MS } from "../../parts/live";
import { usePages } from "../../parts/pages";
import { Empty } from "../../parts/problem";
import { More, Table, type Column } from "../../parts/table";
import { calledIn } from "./packages";

const PAGE = 20;
export const TONES: Record<Order["state"], Tone> = { pending: "notice", completed: "good", failed: "plain", refunded: "warn" };

export function OrderState({ of }: { of: Order }) {
  const { t } = useTranslation();
  return <Badge tone={TONES[of.state]}>{t(`ordered.states.${of.state}`)}</Badge>;
}

/** Returns what says what an order was for. */
export function useWhat(packages: readonly Package[]): (order: Order) => string {
  const { t, i18n } = useTranslation();
  return (order) => {
    if (!order.package) return t(`ordered.type.${order.type}`);
    const known = packages.find((one) => one.name === order.package);
    const name = known ? calledIn(i18n.language, known) : order.package;
    return order.quantity > 1 ? t("ordered.times", { name, count: order.quantity }) : name;
  };
}

/** What it was; on a phone its time and state stand below, for there is no room beside it. */
function What({ text, order, at }: { text: string; order: Order; at: string }) {
  return (
    <>
      <Link to={`/buy/${order.id}`} className="text-brand underline wrap-anywhere">
        {text}
        <span className="sr-only">, {at}</span>
      </Link>
      <span aria-hidden className="mt-1 block text-soft sm:hidden">
        {at}
      </span>
      <span className="mt-1 block sm:hidden">
        <OrderState of={order} />
      </span>
    </>
  );
}

export function Orders({ packages }: { packages: readonly Package[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const what = useWhat(packages);
  const asked = { path: { ref: "me" }, query: { limit: PAGE } };
  const pages = usePages(listOrdersInfiniteOptions(asked), { refetchInterval: LIVE_MS });
  const columns: Column<Order>[] = [
    { name: "what", title: t("ordered.what"), cell: (one) => <What text={what(one)} order={one} at={moment(one.created_at)} /> },
    { name: "when", title: t("ordered.when"), from: "sm", cell: (one) => <span className="whitespace-nowrap text-soft">{moment(one.created_at)}</span> },
    { name: "credit", title: t("ordered.credit"), cell: (one) => Number(one.credit.value) > 0 && one.credit.shown, figure: true, from: "sm" },
    { name: "price", title: t("ordered.price"), cell: (one) => one.type === "purchase" && one.price.shown, figure: true },
    { name: "state", title: t("ordered.state"), cell: (one) => <OrderState of={one} />, from: "sm" },
  ];
  return (
    <section aria-label={t("ordered.title")}>
      <h2 className="mb-3 text-lg font-semibold tracking-tight">{t("ordered.title")}</h2>
      <Answer of={pages}>
        {(rows) => {
          if (rows.length === 0) return <Empty>{t("ordered.none")}</Empty>;
          return <Table caption={t("ordered.title")} columns={columns} rows={rows} keyOf={(one) => one.id} />;
        }}
      </Answer>
      <More of={pages} />
    </section>
  );
}
