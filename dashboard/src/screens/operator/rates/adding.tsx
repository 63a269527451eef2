// Prices that are added: one of our own, or the list prices of every provider.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { AddedRates, NewRate } from "../../../api";
import { addRatesMutation, importRatesMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { useClock } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { useTell } from "../../../parts/told";
import { said } from "../acting";

interface Props {
  open: boolean;
  onClose: () => void;
}

/** Returns what says what became of prices, and has everything asked again that they change. */
function useAdded(onClose: () => void): (added: AddedRates) => Promise<void> {
  const { t } = useTranslation();
  const tell = useTell();
  const queries = useQueryClient();
  return async ({ written, held, kept }) => {
    await queries.invalidateQueries();
    onClose();
    const more = [
      held.length > 0 ? t("rates.addedHeld", { count: held.length }) : "",
      kept > 0 ? t("rates.addedKept", { count: kept }) : "",
    ];
    tell({ title: t("rates.added", { count: written.length }), description: more.filter((one) => one !== "").join(" ") });
  };
}

export function Adding({ open, onClose }: Props) {
  const { t } = useTranslation();
  const clock = useClock();
  const add = useMutation({ ...addRatesMutation(), onSuccess: useAdded(onClose) });
  const send = (form: FormData) => {
    const rate: NewRate = {
      model: said(form, "model"),
      input: said(form, "input"),
      output: said(form, "output"),
      ...(said(form, "cached_input") ? { cached_input: said(form, "cached_input") } : {}),
      ...(said(form, "per_request") ? { per_request: said(form, "per_request") } : {}),
      ...(said(form, "unit") ? { unit: said(form, "unit") } : {}),
      ...(said(form, "starts_at") ? { starts_at: clock(said(form, "starts_at")) } : {}),
    };
    add.mutate({ body: { rates: [rate], reason: said(form, "reason") } });
  };
  return (
    <Act open={open} onClose={onClose} title={t("rates.add")} lead={t("rates.addLead")} verb={t("rates.add")} why does={add} onSend={send}>
      <Field label={t("rates.pattern")} name="model" required maxLength={200} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("rates.input")} name="input" required inputMode="decimal" />
        <Field label={t("rates.output")} name="output" required inputMode="decimal" />
        <Field label={t("rates.cached")} name="cached_input" inputMode="decimal" />
        <Field label={t("rates.request")} name="per_request" inputMode="decimal" />
        <Field label={t("rates.unit")} name="unit" maxLength={32} />
        <Field label={t("rates.starts")} name="starts_at" type="datetime-local" />
      </div>
    </Act>
  );
}

export function Importing({ open, onClose }: Props) {
  const { t } = useTranslation();
  const bring = useMutation({ ...importRatesMutation(), onSuccess: useAdded(onClose) });
  return (
    <Act
      open={open}
      onClose={onClose}
      title={t("rates.import")}
      lead={t("rates.importLead")}
      verb={t("rates.import")}
      why
      does={bring}
      onSend={(form) => bring.mutate({ body: { reason: said(form, "reason") } })}
    />
  );
}
