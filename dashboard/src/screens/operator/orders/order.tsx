// One order: what it is, how it stands, everything that was said of it, and what an operator can do with it.
import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Order } from "../../../api";
import { showAnyOrderOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Back } from "../../../parts/back";
import { Button } from "../../../parts/button";
import { Card, Head } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { TONES } from "../../buy/orders";
import { Completing, Failing } from "./ending";
import { Events, useWhy } from "./events";
import { Over } from "./list";
import { Refunding } from "./refunding";

/** Why an order is paid again. */
const MONEY_STAYED = "refund_failed";

export function OneOrder({ id }: { id: string }) {
  const { t } = useTranslation();
  const order = useQuery(showAnyOrderOptions({ path: { order: id } }));
  return (
    <>
      <Back to="/operator/orders">{t("orders.back")}</Back>
      {order.data === undefined && <Head title={t("orders.one")} />}
      <Answer of={order} rows={6}>
        {(found) => <Standing order={found} />}
      </Answer>
    </>
  );
}

function Standing({ order }: { order: Order }) {
  const { t } = useTranslation();
  return (
    <>
      <Head title={`${t("orders.one")} ${order.id.slice(-8)}`}>
        <Acts order={order} />
      </Head>
      <div className="space-y-6">
        {order.reason === MONEY_STAYED && order.state !== "refunded" && <MoneyStayed />}
        <Facts order={order} />
        <section aria-label={t("orders.events")}>
          <h2 className="mb-3 text-lg font-semibold tracking-tight">{t("orders.events")}</h2>
          <Events order={order.id} />
        </section>
      </div>
    </>
  );
}

/** What to do where somebody waits for money that did not go back. */
function MoneyStayed() {
  const { t } = useTranslation();
  return (
    <div role="alert" className="flex items-start gap-3 rounded-card border border-bad bg-bad/10 p-4">
      <CircleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-bad" />
      <div>
        <p className="font-medium">{t("orders.moneyStayed")}</p>
        <p className="mt-1 text-sm">{t("orders.moneyStayedLead")}</p>
      </div>
    </div>
  );
}

function Acts({ order }: { order: Order }) {
  const { t } = useTranslation();
  const me = useMe();
  const [act, doing] = useState<"complete" | "fail" | "refund" | null>(null);
  if (!may(me, "operator")) return null;
  const unpaid = order.state === "pending" || (order.state === "failed" && order.reason !== "refunded_before_completion");
  return (
    <div className="flex flex-wrap gap-2">
      {unpaid && <Button onClick={() => doing("complete")}>{t("orders.complete")}</Button>}
      {order.state === "pending" && (
        <Button kind="plain" onClick={() => doing("fail")}>
          {t("orders.fail")}
        </Button>
      )}
      {order.state === "completed" && (
        <Button kind="grave" onClick={() => doing("refund")}>
          {t("orders.refund")}
        </Button>
      )}
      <Completing order={order} open={act === "complete"} onClose={() => doing(null)} />
      <Failing order={order} open={act === "fail"} onClose={() => doing(null)} />
      <Refunding order={order} open={act === "refund"} onClose={() => doing(null)} />
    </div>
  );
}

function Facts({ order }: { order: Order }) {
  const { t } = useTranslation();
  const why = useWhy();
  const moment = useMoment();
  const facts: [string, ReactNode][] = [
    ["state", <Badge key="state" tone={TONES[order.state]}>{t(`orders.states.${order.state}`)}</Badge>],
    ["account", <Link key="account" to={`/operator/accounts/${encodeURIComponent(order.account)}`} className="text-brand underline">{order.account}</Link>],
    ["credit", order.credit.shown],
    ["bonus", Number(order.bonus.value) > 0 && order.bonus.shown],
    ["price", order.price.shown],
    ["discount", order.discount.minor > 0 && order.discount.shown],
    ["refunded", order.refunded.minor > 0 && order.refunded.shown],
    ["takenBack", Number(order.credit_taken_back.value) > 0 && order.credit_taken_back.shown],
    ["package", order.package && `${order.package} × ${order.quantity}`],
    ["provider", <Over key="provider" provider={order.provider} />],
    ["payment", order.payment && <code key="payment" className="font-mono text-sm break-all">{order.payment}</code>],
    ["method", order.method],
    ["coupon", order.coupon],
    ["made", moment(order.created_at)],
    ["completed", order.completed_at && moment(order.completed_at)],
    ["ended", order.ended_at && `${moment(order.ended_at)} ${order.ended_by && t("orders.by", { actor: order.ended_by })}`],
    ["reason", why(order.reason)],
    ["note", order.note],
  ];
  return (
    <Card title={t("orders.one")}>
      <dl className="grid gap-x-8 gap-y-3 sm:grid-cols-2 lg:grid-cols-3">
        {facts.filter(([, fact]) => fact).map(([name, fact]) => (
          <div key={name} className="min-w-0">
            <dt className="text-sm text-soft">{t(`orders.${name}`)}</dt>
            <dd className="break-words">{fact}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
