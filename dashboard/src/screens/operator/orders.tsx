// Orders: everybody's with filters, one with everything that was said of it, and what providers said at all.
import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";

import { Head } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { Events } from "./orders/events";
import { AllOrders } from "./orders/list";
import { OneOrder } from "./orders/order";
import "../../words/orders";

const VIEWS = ["orders", "events"] as const;

export default function Orders() {
  const { t } = useTranslation();
  const { order } = useParams();
  const [place, go] = useSearchParams();
  if (order) return <OneOrder key={order} id={order} />;
  const view = place.get("view") === "events" ? "events" : "orders";
  return (
    <>
      <Head title={t("nav.orders")}>
        <Choice label={t("orders.view")} value={view} onChange={(next) => go(next === "orders" ? {} : { view: next })} options={VIEWS.map((one) => ({ value: one, title: t(`orders.tabs.${one}`) }))} />
      </Head>
      {view === "orders" ? <AllOrders /> : <Events />}
    </>
  );
}
