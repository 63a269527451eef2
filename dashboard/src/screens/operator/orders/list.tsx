// Everybody's orders, newest first, as far as they fit the filters, which stand in the address.
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { Order } from "../../../api";
import { listAllOrdersInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { List } from "../../../parts/choice";
import { useBeginning, useMoment } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { Badge } from "../../../parts/figure";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More, Table } from "../../../parts/table";
import { TONES } from "../../buy/orders";
import { placeOf } from "../account/lines";

const STATES = ["pending", "completed", "failed", "refunded"] as const;
const PROVIDERS = ["callback", "stripe", "toss", "manual", "coupon"] as const;

export function AllOrders() {
  const { t } = useTranslation();
  const [place, go] = useSearchParams();
  const begins = useBeginning();
  const [since, until] = [place.get("since"), place.get("until")];
  const state = STATES.find((one) => one === place.get("state"));
  const provider = place.get("provider");
  const account = place.get("account");
  const query = {
    limit: 50,
    ...(state ? { state } : {}),
    ...(provider ? { provider } : {}),
    ...(account ? { account } : {}),
    ...(since ? { since: begins(since) } : {}),
    ...(until ? { until: begins(until, true) } : {}),
  };
  const orders = usePages(listAllOrdersInfiniteOptions({ query }));
  return (
    <>
      <p className="-mt-4 mb-6 text-soft">{t("orders.lead")}</p>
      <Filters key={place.toString()} place={place} onChange={go} />
      <Answer of={orders} rows={6}>
        {(orders) => <Lines orders={orders} />}
      </Answer>
      <More of={orders} />
    </>
  );
}

function Filters({ place, onChange }: { place: URLSearchParams; onChange: (place: URLSearchParams) => void }) {
  const { t } = useTranslation();
  const all = { value: "", title: t("form.all") };
  const send = (form: FormData) => onChange(new URLSearchParams([...form].map(([name, value]) => [name, String(value)] as [string, string]).filter(([, value]) => value !== "")));
  return (
    <form
      role="search"
      aria-label={t("orders.filters")}
      onSubmit={(event) => {
        event.preventDefault();
        send(new FormData(event.currentTarget));
      }}
      className="mb-6 grid grid-cols-2 items-end gap-3 lg:grid-cols-[1fr_1fr_2fr_1fr_1fr_auto]"
    >
      <List label={t("orders.state")} name="state" defaultValue={place.get("state") ?? ""} options={[all, ...STATES.map((one) => ({ value: one, title: t(`orders.states.${one}`) }))]} />
      <List label={t("orders.provider")} name="provider" defaultValue={place.get("provider") ?? ""} options={[all, ...PROVIDERS.map((one) => ({ value: one, title: t(`orders.providers.${one}`) }))]} />
      <div className="col-span-2 lg:col-span-1">
        <Field label={t("orders.account")} name="account" defaultValue={place.get("account") ?? ""} maxLength={200} />
      </div>
      <Field label={t("form.from")} name="since" type="date" defaultValue={place.get("since") ?? ""} />
      <Field label={t("form.until")} name="until" type="date" defaultValue={place.get("until") ?? ""} />
      <Button type="submit" className="col-span-2 min-h-11 lg:col-span-1">
        {t("form.search")}
      </Button>
    </form>
  );
}

function Lines({ orders }: { orders: readonly Order[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  if (orders.length === 0) return <Empty>{t("orders.none")}</Empty>;
  return (
    <Table
      caption={t("nav.orders")}
      rows={orders}
      keyOf={(row) => row.id}
      columns={[
        {
          name: "when",
          title: t("orders.when"),
          cell: (row) => (
            <Link to={`/operator/orders/${row.id}`} aria-label={t("orders.open", { account: row.account, at: moment(row.created_at) })} className="whitespace-nowrap text-brand underline">
              {moment(row.created_at)}
            </Link>
          ),
        },
        { name: "account", title: t("orders.account"), cell: (row) => <Link to={placeOf(row.account)} className="block min-w-20 underline-offset-2 wrap-anywhere hover:underline">{row.account}</Link> },
        { name: "state", title: t("orders.state"), cell: (row) => <Badge tone={TONES[row.state]}>{t(`orders.states.${row.state}`)}</Badge> },
        { name: "provider", title: t("orders.provider"), from: "md", cell: (row) => <Over provider={row.provider} /> },
        { name: "what", title: t("orders.what"), from: "lg", cell: (row) => row.package || row.note },
        { name: "credit", title: t("orders.credit"), figure: true, cell: (row) => row.credit.shown },
        { name: "price", title: t("orders.price"), figure: true, cell: (row) => row.price.shown },
      ]}
    />
  );
}

/** Over whom something is paid; a name that we do not know stays as it is. */
export function Over({ provider }: { provider: string }) {
  const { t, i18n } = useTranslation();
  return i18n.exists(`orders.providers.${provider}`) ? t(`orders.providers.${provider}`) : provider;
}
