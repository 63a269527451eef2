// Deliveries by their state, with attempts and the last error; those that were given up are sent again, one or all.
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { Delivery, DeliveryCount } from "../../../api";
import {
  countDeliveriesOptions, listDeliveriesInfiniteOptions, resendDeadDeliveriesMutation, resendDeliveryMutation,
} from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { List } from "../../../parts/choice";
import { useCount } from "../../../parts/count";
import { useMoment } from "../../../parts/date";
import { Badge, Figure, Figures, type Tone } from "../../../parts/figure";
import { LIVE_MS } from "../../../parts/live";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More, Table } from "../../../parts/table";
import { useTellFailed } from "../../../parts/told";
import { useDone } from "../acting";
import { placeOf } from "../account/lines";

const PAGE = 20;
const STATES = ["pending", "sent", "dead"] as const;
const TONES: Record<Delivery["state"], Tone> = { pending: "notice", sent: "good", dead: "bad" };

export function Sent({ operates }: { operates: boolean }) {
  const { t } = useTranslation();
  const [place, go] = useSearchParams();
  const [resending, setResending] = useState(false);
  const counts = useQuery({ ...countDeliveriesOptions(), refetchInterval: LIVE_MS });
  const state = STATES.find((one) => one === place.get("state"));
  const asked = { query: { limit: PAGE, ...(state && { state }) } };
  const pages = usePages(listDeliveriesInfiniteOptions(asked), { placeholderData: keepPreviousData, refetchInterval: LIVE_MS });
  return (
    <>
      <Answer of={counts} rows={2}>
        {(count) => <Counts of={count} />}
      </Answer>
      <div className="mt-6 mb-4 flex flex-wrap items-end justify-between gap-3">
        <List
          label={t("deliveries.state")}
          className="w-44"
          value={state ?? ""}
          options={[{ value: "", title: t("form.all") }, ...STATES.map((one) => ({ value: one, title: t(`deliveries.states.${one}`) }))]}
          onChange={(one) => go(one ? { state: one } : {})}
        />
        {operates && (counts.data?.dead ?? 0) > 0 && (
          <Button kind="plain" className="min-h-11" onClick={() => setResending(true)}>
            <RotateCw aria-hidden className="size-4" />
            {t("deliveries.resendAll")}
          </Button>
        )}
      </div>
      <Answer of={pages} rows={6}>
        {(lines) => {
          if (lines.length === 0) return <Empty>{t(state ? "deliveries.noneSo" : "deliveries.none")}</Empty>;
          return (
            <div aria-busy={pages.isPlaceholderData}>
              <Lines lines={lines} operates={operates} />
            </div>
          );
        }}
      </Answer>
      <More of={pages} />
      {resending && <ResendingAll onClose={() => setResending(false)} />}
    </>
  );
}

function Counts({ of: { pending, dead } }: { of: DeliveryCount }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <section aria-label={t("deliveries.figures")}>
      <Figures>
        <Figure title={t("deliveries.pending")} note={t("deliveries.pendingNote")}>
          {count(pending)}
        </Figure>
        <Figure title={t("deliveries.dead")} note={t("deliveries.deadNote")}>
          <span className={dead > 0 ? "text-bad" : ""}>{count(dead)}</span>
        </Figure>
      </Figures>
    </section>
  );
}

function Lines({ lines, operates }: { lines: readonly Delivery[]; operates: boolean }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const count = useCount();
  const action = { name: "act", title: "", cell: (one: Delivery) => one.state === "dead" && <Resend delivery={one} /> };
  return (
    <Table
      caption={t("deliveries.caption")}
      rows={lines}
      keyOf={(one) => one.id}
      columns={[
        { name: "what", title: t("deliveries.what"), cell: (one) => <What of={one} /> },
        { name: "state", title: t("deliveries.state"), cell: (one) => <State of={one} /> },
        {
          name: "to",
          title: t("deliveries.to"),
          cell: (one) => (
            <>
              <span className="block min-w-24 break-words">{one.target}</span>
              <span className="block text-soft">{t(`deliveries.channels.${one.channel}`)}</span>
            </>
          ),
        },
        { name: "attempts", title: t("deliveries.attempts"), figure: true, cell: (one) => count(one.attempts) },
        { name: "when", title: t("deliveries.when"), from: "md", cell: (one) => one.created_at && <span className="whitespace-nowrap">{moment(one.created_at)}</span> },
        ...(operates ? [action] : []),
      ]}
    />
  );
}

function titleOf({ document }: Delivery): string {
  return String(document["title"] ?? "");
}

function What({ of: one }: { of: Delivery }) {
  const { t } = useTranslation();
  return (
    <div className="min-w-36">
      {titleOf(one)}
      {one.notice === null && (
        <>
          {" "}
          <Badge>{t("deliveries.test")}</Badge>
        </>
      )}
      {one.account && (
        <Link to={placeOf(one.account)} className="block break-all text-brand underline">
          {one.account}
        </Link>
      )}
    </div>
  );
}

function State({ of: { state, error, next_at: next, ended_at: ended } }: { of: Delivery }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <>
      <Badge tone={TONES[state]}>{t(`deliveries.states.${state}`)}</Badge>
      {error && <span className="mt-1 block max-w-xs min-w-36 break-words text-bad">{error}</span>}
      {next && <span className="mt-1 block text-xs whitespace-nowrap text-soft">{t("deliveries.next", { at: moment(next) })}</span>}
      {ended && <span className="mt-1 block text-xs whitespace-nowrap text-soft">{t("deliveries.ended", { at: moment(ended) })}</span>}
    </>
  );
}

/** Sends one again at once: it goes under its old id, so that nobody is told twice. */
function Resend({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation();
  const done = useDone(() => undefined);
  const resend = useMutation({
    ...resendDeliveryMutation(),
    onSuccess: () => done(t("deliveries.resent", { target: delivery.target })),
    onError: useTellFailed(),
  });
  return (
    <Button
      kind="plain"
      className="min-h-8 px-3 whitespace-nowrap"
      disabled={resend.isPending}
      aria-label={t("deliveries.resendOf", { target: delivery.target, title: titleOf(delivery) })}
      onClick={() => resend.mutate({ path: { delivery_id: delivery.id } })}
    >
      {t("deliveries.resend")}
    </Button>
  );
}

function ResendingAll({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const count = useCount();
  const done = useDone(onClose);
  const resend = useMutation(resendDeadDeliveriesMutation());
  const send = () =>
    resend.mutate(
      {},
      {
        onSuccess: ({ resent, dead }) => {
          const left = dead > 0 ? [t("deliveries.left", { dead: count(dead) })] : [];
          return done([t("deliveries.resentAll", { count: resent, deliveries: count(resent) }), ...left].join(" "));
        },
      },
    );
  return <Act open onClose={onClose} title={t("deliveries.resendAll")} lead={t("deliveries.resendAllLead")} verb={t("deliveries.resendAll")} does={resend} onSend={send} />;
}
