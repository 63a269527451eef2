// Prices that cannot be right, kept and not charged by, until somebody accepts or discards them.
import { useMutation, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { HeldRate, HeldRates } from "../../../api";
import { decideHeldRateMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { useMoment } from "../../../parts/date";
import { Empty } from "../../../parts/problem";
import { useTell } from "../../../parts/told";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { said } from "../acting";
import { Prices } from "./prices";

interface Decision {
  held: HeldRate;
  accept: boolean;
}

export function Held({ of }: { of: UseQueryResult<HeldRates, unknown> }) {
  const { t } = useTranslation();
  const [deciding, decide] = useState<Decision | null>(null);
  return (
    <>
      <p className="mb-4 text-soft">{t("rates.heldLead")}</p>
      <Answer of={of}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("rates.nothingHeld")}</Empty>
          ) : (
            <ul className="space-y-4">
              {items.map((one) => (
                <Line key={one.id} held={one} onDecide={(accept) => decide({ held: one, accept })} />
              ))}
            </ul>
          )
        }
      </Answer>
      <Deciding deciding={deciding} onClose={() => decide(null)} />
    </>
  );
}

function Line({ held, onDecide }: { held: HeldRate; onDecide: (accept: boolean) => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const moment = useMoment();
  return (
    <li className="rounded-card border border-line bg-panel p-5">
      <h2 className="font-mono font-semibold">{held.rate.model}</h2>
      <div className="mt-1">
        <Prices rate={held.rate} />
      </div>
      <p className="mt-3 text-warn">
        <span className="sr-only">{t("rates.why")}: </span>
        {held.why}
      </p>
      <p className="mt-1 text-sm text-soft">{t("rates.by", { at: moment(held.created_at), actor: held.actor })}</p>
      {may(me, "operator") && (
        <div className="mt-4 flex gap-2">
          <Button kind="plain" onClick={() => onDecide(true)}>
            {t("rates.accept")}
          </Button>
          <Button kind="plain" onClick={() => onDecide(false)}>
            {t("rates.discard")}
          </Button>
        </div>
      )}
    </li>
  );
}

function Deciding({ deciding, onClose }: { deciding: Decision | null; onClose: () => void }) {
  const { t } = useTranslation();
  const tell = useTell();
  const queries = useQueryClient();
  const decide = useMutation({
    ...decideHeldRateMutation(),
    onSuccess: async ({ accepted }) => {
      await queries.invalidateQueries();
      onClose();
      tell({ title: t(accepted ? "rates.accepted" : "rates.discarded") });
    },
  });
  const verb = t(deciding?.accept ? "rates.accept" : "rates.discard");
  return (
    <Act
      open={deciding !== null}
      onClose={onClose}
      title={`${verb}: ${deciding?.held.rate.model ?? ""}`}
      lead={t(deciding?.accept ? "rates.acceptLead" : "rates.discardLead")}
      verb={verb}
      grave={deciding?.accept ?? false}
      why
      does={decide}
      onSend={(form) => deciding && decide.mutate({ path: { held_id: deciding.held.id }, body: { accept: deciding.accept, reason: said(form, "reason") } })}
    />
  );
}
