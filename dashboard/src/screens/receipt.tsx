// One order: while it waits, how it is paid; once it is, its receipt; and what else became of it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import type { Order as Ordered, PaidOver } from "../api";
import { listPackagesOptions, showBalanceQueryKey, showOrderOptions } from "../api/@tanstack/react-query.gen";
import { Answer } from "../parts/answer";
import { Back } from "../parts/back";
import { Card, Titled } from "../parts/card";
import { LIVE_MS } from "../parts/live";
import { useUnit } from "../parts/unit";
import { OrderState, useWhat } from "./buy/orders";
import { Paper } from "./buy/paper";
import { Paying } from "./buy/paying";
import "../words/buy";

export default function Screen() {
  const { t } = useTranslation();
  const { order = "" } = useParams();
  const asked = useQuery({ ...showOrderOptions({ path: { ref: "me", order } }), refetchInterval: LIVE_MS });
  const sold = useQuery(listPackagesOptions()).data;
  const what = useWhat(sold?.items ?? []);
  return (
    <div className="mx-auto max-w-3xl">
      <Back to="/buy">{t("order.back")}</Back>
      <div className="mb-4 flex flex-wrap items-center gap-3 print:hidden">
        <Titled title={asked.data ? t("order.of", { what: what(asked.data) }) : t("order.title")} className="min-w-0 text-2xl wrap-anywhere" />
        {asked.data && <OrderState of={asked.data} />}
      </div>
      <Answer of={asked}>{(data) => <Order order={data} ways={sold?.paid_over ?? []} />}</Answer>
    </div>
  );
}

function Order({ order, ways }: { order: Ordered; ways: readonly PaidOver[] }) {
  const { t } = useTranslation();
  useArrival(order);
  const unit = useUnit()(order.credit.unit);
  return (
    <div className="space-y-4">
      {order.state === "pending" && (
        <Card title={t("order.due")}>
          <p className="text-3xl font-semibold tracking-tight">{order.price.shown}</p>
          <p className="mt-1 text-sm text-soft">
            {order.credit.shown} {unit}
            {order.discount.minor > 0 && (
              <>
                {" "}
                · {t("order.discount")} {order.discount.shown}
              </>
            )}
          </p>
          <p className="mt-3 mb-5 text-sm text-soft">
            {t("order.number")} <span className="font-mono text-ink select-all wrap-anywhere">{order.id}</span>
          </p>
          <Paying order={order} onPage={ways.some((way) => way.provider === order.provider && way.page)} />
        </Card>
      )}
      {order.state === "failed" && (
        <Card title={t("order.number")}>
          <p className="font-mono text-xs wrap-anywhere">{order.id}</p>
          <p className="mt-3">{t("order.failed")}</p>
          {order.reason && <p className="mt-1 text-sm text-soft">{t("order.failedWhy", { reason: order.reason })}</p>}
          <Link to="/buy" className="mt-3 inline-block text-brand underline">
            {t("order.again")}
          </Link>
        </Card>
      )}
      {order.state === "completed" && (
        <p role="status" className="font-medium text-good print:hidden">
          {t("order.paid", { amount: order.credit.shown, unit })}
        </p>
      )}
      {order.refunded.minor > 0 && (
        <p role="status" className="text-warn print:hidden">
          {t("order.refunded", { amount: order.refunded.shown })} {t("order.takenBack", { amount: order.credit_taken_back.shown, unit })}
        </p>
      )}
      {(order.state === "completed" || order.state === "refunded") && order.type === "purchase" && <Paper order={order.id} state={`${order.state} ${order.refunded.minor}`} />}
    </div>
  );
}

/** Has what hangs on a payment asked for again when it arrives while somebody looks. */
function useArrival(order: Ordered): void {
  const queries = useQueryClient();
  const before = useRef(order.state);
  useEffect(() => {
    if (before.current === "pending" && order.state === "completed") {
      void queries.invalidateQueries({ queryKey: showBalanceQueryKey({ path: { ref: "me" } }) });
    }
    before.current = order.state;
  }, [order.state, queries]);
}
