// A version is published: from the next call on, or from the beginning of a day, by the clock that the plan's months go by.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import type { Plan, PlanDocument } from "../../../api";
import { listPlansQueryKey, writePlanMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Choice } from "../../../parts/choice";
import { beginning, useMoment } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { said, useDone } from "../acting";
import { forget, type Doc } from "./document";

interface Props {
  onClose: () => void;
  name: string;
  document: Doc;
  zone: string;
  inForce: Plan | undefined;
}

export function Publishing({ onClose, name, document, zone, inForce }: Props) {
  const { t } = useTranslation();
  const moment = useMoment();
  const go = useNavigate();
  const queries = useQueryClient();
  const done = useDone(onClose);
  const [when, choose] = useState<"now" | "day">("now");
  const publish = useMutation({
    ...writePlanMutation(),
    // Somebody else may have published meanwhile: what holds now is asked for, and shown beside the draft.
    onError: () => queries.invalidateQueries({ queryKey: listPlansQueryKey() }),
    onSuccess: async (plan, { body }) => {
      forget(name);
      const facts = { name: plan.name, version: plan.version };
      await done(body.starts_at ? t("plans.willHold", { ...facts, at: moment(body.starts_at) }) : t("plans.published", facts));
      void go(`/operator/plans/${plan.name}`);
    },
  });
  const send = (form: FormData) => {
    const starts_at = when === "day" ? beginning(said(form, "day"), zone) : null;
    publish.mutate({ body: { document: document as unknown as PlanDocument, starts_at, follows: inForce?.version ?? null, reason: said(form, "reason") } });
  };
  return (
    <Act open onClose={onClose} title={t("plans.publish")} lead={t("plans.publishLead")} verb={t("plans.publish")} why does={publish} onSend={send}>
      {inForce && (
        <div className="space-y-3">
          <Choice
            label={t("plans.when")}
            value={when}
            onChange={choose}
            options={(["now", "day"] as const).map((one) => ({ value: one, title: t(`plans.begins.${one}`) }))}
          />
          {when === "day" && <Field label={t("plans.day")} name="day" type="date" required hint={t("plans.dayHint", { zone })} />}
        </div>
      )}
      {inForce?.planned?.map((one) => (
        <p key={one.version} role="status" className="rounded-lg border border-notice bg-notice/10 px-3 py-2 text-sm">
          {t("plans.follows", { version: one.version, at: moment(one.starts_at) })}
        </p>
      ))}
    </Act>
  );
}
