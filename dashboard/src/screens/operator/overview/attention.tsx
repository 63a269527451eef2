// What waits for a person, each with the place where something can be done about it.
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Concern } from "../../../api";
import { showAttentionOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Card } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { LIVE_MS } from "../../../parts/live";

const PLACES: Record<Concern["what"], string> = {
  deliveries_dead: "/operator/deliveries?state=dead",
  rates_held: "/operator/rates?view=held",
  jobs_failed: "/operator/jobs",
  findings: "/operator/integrity",
  payments_unmatched: "/operator/orders?view=events&unmatched=",
  refunds_failed: "/operator/orders?view=events&unmatched=",
  signups_waiting: "/operator/integrity",
  periods_stuck: "/operator/integrity",
};

export function Attention() {
  const { t } = useTranslation();
  const attention = useQuery({ ...showAttentionOptions(), refetchInterval: LIVE_MS });
  return (
    <Card title={t("overview.attention.title")}>
      <Answer of={attention} rows={1}>
        {({ items }) => <Concerns items={items.filter((one) => one.count > 0)} />}
      </Answer>
    </Card>
  );
}

/** Where something can be done about it: a single order has a page of its own. */
function placeOf(what: Concern["what"], names: readonly string[]): string {
  return what === "refunds_failed" && names.length === 1 ? `/operator/orders/${names[0]}` : PLACES[what];
}

function Concerns({ items }: { items: Concern[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  if (items.length === 0) {
    return (
      <p className="flex items-center gap-2 font-medium text-good">
        <CircleCheck aria-hidden className="size-4 shrink-0" />
        {t("overview.attention.none")}
      </p>
    );
  }
  return (
    <ul className="divide-y divide-line">
      {items.map(({ what, count, names, at }) => (
        <li key={what} data-what={what} className="flex flex-wrap items-baseline gap-x-3 gap-y-1 py-2.5 first:pt-0 last:pb-0">
          <TriangleAlert aria-hidden className="size-4 shrink-0 self-center text-warn" />
          <Link to={placeOf(what, names)} className="font-medium text-brand underline underline-offset-2">
            {t(`overview.attention.${what}`, { count })}
          </Link>
          {what === "jobs_failed" && <span className="text-sm text-soft">{names.join(", ")}</span>}
          {at && <span className="text-sm text-soft sm:ml-auto">{moment(at)}</span>}
        </li>
      ))}
    </ul>
  );
}
