// The subscription that an account has, or had last: until when it is paid, what comes then, and its end.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Subscription as Held } from "../../api";
import { endSubscriptionMutation, listOrdersQueryKey, listSubscriptionsOptions, listSubscriptionsQueryKey } from "../../api/@tanstack/react-query.gen";
import { Act } from "../../parts/act";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { useDate } from "../../parts/date";
import { Badge, type Tone } from "../../parts/figure";
import { LIVE_MS } from "../../parts/live";
import { useTell } from "../../parts/told";

const MINE = { path: { ref: "me" } };
const TONES: Record<Held["state"], Tone> = { pending: "notice", active: "good", past_due: "bad", ended: "plain" };

export function Subscription() {
  const held = useQuery({ ...listSubscriptionsOptions(MINE), refetchInterval: LIVE_MS });
  // Most people never had one: nothing stands in for it meanwhile.
  if (held.data === undefined && !held.error) return null;
  return <Answer of={held}>{({ items: [last] }) => last && <Latest held={last} />}</Answer>;
}

function Latest({ held }: { held: Held }) {
  const { t } = useTranslation();
  const [ending, setEnding] = useState(false);
  const alive = held.state !== "ended" && !held.ends_then;
  return (
    <Card title={t("subscription.title")} aside={<Badge tone={TONES[held.state]}>{t(`subscription.state.${held.state}`)}</Badge>}>
      <p className="font-medium">
        {t("card.plan", { plan: held.plan_title })} · {t(`buy.each.${held.every}`, { price: held.price.shown })}
      </p>
      <Until of={held} />
      {alive && (
        <Button kind="plain" className="mt-4" onClick={() => setEnding(true)}>
          {t("subscription.end")}
        </Button>
      )}
      <Ending of={held} open={ending} onClose={() => setEnding(false)} />
    </Card>
  );
}

function Until({ of }: { of: Held }) {
  const { t } = useTranslation();
  const date = useDate();
  const plan = of.former_plan_title;
  if (of.state === "past_due") return <p className="mt-1 text-sm text-bad">{t("subscription.due", { plan })}</p>;
  if (of.state === "ended") return of.ended_at && <p className="mt-1 text-sm text-soft">{t("time.ended", { at: date(of.ended_at) })}</p>;
  if (!of.end_at) return null;
  return (
    <p className="mt-1 text-sm text-soft">
      {t("subscription.until", { at: date(of.end_at) })}. {of.ends_then ? t("subscription.ends", { plan }) : t("subscription.renews")}
    </p>
  );
}

function Ending({ of, open, onClose }: { of: Held; open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const tell = useTell();
  const queries = useQueryClient();
  const end = useMutation({
    ...endSubscriptionMutation(),
    onSuccess: async (after) => {
      queries.setQueryData(listSubscriptionsQueryKey(MINE), { items: [after] });
      onClose();
      tell({ title: t("subscription.done") });
      await queries.invalidateQueries({ queryKey: listOrdersQueryKey(MINE) });
    },
  });
  const lead = t(of.state === "pending" ? "subscription.endUnpaid" : "subscription.endLead");
  return <Act open={open} onClose={onClose} title={t("subscription.endTitle")} lead={lead} verb={t("subscription.end")} grave does={end} onSend={() => end.mutate(MINE)} />;
}
