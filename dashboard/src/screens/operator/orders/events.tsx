// What was said in providers' names: forged, repeated, refused and accepted, each attempt as it came.
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { PaymentEvent } from "../../../api";
import { listPaymentEventsInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { useMoment } from "../../../parts/date";
import { Badge, type Tone } from "../../../parts/figure";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More, Table } from "../../../parts/table";
import { Over } from "./list";

const TONES: Record<PaymentEvent["verdict"], Tone> = { received: "notice", accepted: "good", duplicate: "plain", ignored: "plain", refused: "bad" };

/** All of them, or those of one order. */
export function Events({ order }: { order?: string }) {
  const { t } = useTranslation();
  const [place, go] = useSearchParams();
  const unmatched = order === undefined && place.get("unmatched") !== null;
  const query = { limit: 50, unmatched, ...(order ? { order } : {}) };
  const events = usePages(listPaymentEventsInfiniteOptions({ query }));
  return (
    <>
      {order === undefined && (
        <label className="mb-4 flex min-h-10 items-center gap-3 text-sm">
          <input type="checkbox" className="size-5 accent-brand" checked={unmatched} onChange={() => go(unmatched ? { view: "events" } : { view: "events", unmatched: "" })} />
          {t("orders.unmatched")}
        </label>
      )}
      <Answer of={events}>{(events) => <Lines events={events} linked={order === undefined} />}</Answer>
      <More of={events} />
    </>
  );
}

/** Returns what says why something became of an order; what a person wrote stays as it is. */
export function useWhy(): (reason: string) => string {
  const { t, i18n } = useTranslation();
  return (reason) => (i18n.exists(`orders.reasons.${reason}`) ? t(`orders.reasons.${reason}`) : reason);
}

function Lines({ events, linked }: { events: readonly PaymentEvent[]; linked: boolean }) {
  const { t } = useTranslation();
  const why = useWhy();
  const moment = useMoment();
  if (events.length === 0) return <Empty>{t("orders.noEvents")}</Empty>;
  return (
    <Table
      caption={t("orders.tabs.events")}
      rows={events}
      keyOf={(row) => row.id}
      columns={[
        { name: "when", title: t("orders.when"), cell: (row) => <span className="whitespace-nowrap">{moment(row.received_at)}</span> },
        { name: "verdict", title: t("orders.verdict"), cell: (row) => <Badge tone={TONES[row.verdict]}>{t(`orders.verdicts.${row.verdict}`)}</Badge> },
        { name: "why", title: t("orders.why"), cell: (row) => why(row.reason) },
        { name: "provider", title: t("orders.provider"), cell: (row) => <Over provider={row.provider} /> },
        { name: "said", title: t("orders.said"), cell: (row) => `${t(`orders.kinds.${row.kind || "none"}`)}${row.price ? ` · ${row.price.shown}` : ""}` },
        {
          name: "event",
          title: t("orders.payment"),
          from: "lg",
          cell: (row) => (
            <span className="font-mono text-xs break-all" title={`${t("orders.digest")}: ${row.digest}`}>
              {row.event || row.ref}
            </span>
          ),
        },
        ...(linked
          ? [
              {
                name: "order",
                title: t("orders.one"),
                cell: (row: PaymentEvent) =>
                  row.order && (
                    <Link to={`/operator/orders/${row.order}`} className="font-mono text-xs text-brand underline">
                      {row.order.slice(-8)}
                    </Link>
                  ),
              },
            ]
          : []),
      ]}
    />
  );
}
