// Windows that move credit: give it, correct a balance, take a grant back, refund a charge.
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Grant, JournalEntry, NewGrant } from "../../../api";
import {
  adjustBalanceMutation, clawBackGrantMutation, giveGrantMutation, refundChargeMutation,
} from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { List } from "../../../parts/choice";
import { useBeginning, useMoment } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { said, useDone, useOnce } from "../acting";

const SOURCES = ["bonus", "refund", "purchase", "adjustment", "import"] as const;
const DIGITS_MAX = 64;

interface Props {
  account: string;
  onClose: () => void;
}

/** How much, as digits: it is a decimal and goes to the API as it is typed. */
function HowMuch({ value }: { value?: string }) {
  const { t } = useTranslation();
  return (
    <Field label={t("account.amount")} name="amount" required maxLength={DIGITS_MAX} inputMode="decimal" autoComplete="off" {...(value ? { defaultValue: value } : {})} />
  );
}

export function Granting({ account, onClose }: Props) {
  const { t } = useTranslation();
  const beginning = useBeginning();
  const headers = useOnce();
  const done = useDone(onClose);
  const grant = useMutation(giveGrantMutation());
  const send = (form: FormData) => {
    const until = said(form, "until");
    const body: NewGrant = {
      amount: said(form, "amount"),
      source: SOURCES.find((one) => one === said(form, "source")) ?? "bonus",
      expires_at: until ? beginning(until, true) : null,
      reason: said(form, "reason"),
    };
    const onSuccess = ({ amount }: { amount: { shown: string } }) => done(t("account.granted", { amount: amount.shown, ref: account }));
    grant.mutate({ path: { ref: account }, headers, body }, { onSuccess });
  };
  return (
    <Act open onClose={onClose} title={t("account.grant")} lead={t("account.grantLead")} verb={t("account.grant")} why does={grant} onSend={send}>
      <HowMuch />
      <List label={t("account.source")} name="source" options={SOURCES.map((one) => ({ value: one, title: t(`source.${one}`) }))} />
      <Field label={t("account.until")} name="until" type="date" />
    </Act>
  );
}

export function Adjusting({ account, onClose }: Props) {
  const { t } = useTranslation();
  const headers = useOnce();
  const done = useDone(onClose);
  const adjust = useMutation(adjustBalanceMutation());
  const send = (form: FormData) =>
    adjust.mutate(
      { path: { ref: account }, headers, body: { amount: said(form, "amount"), reason: said(form, "reason") } },
      { onSuccess: () => done(t("account.adjusted", { amount: said(form, "amount"), ref: account })) },
    );
  return (
    <Act open onClose={onClose} title={t("account.adjust")} lead={t("account.adjustLead")} verb={t("account.adjust")} why does={adjust} onSend={send}>
      <HowMuch />
    </Act>
  );
}

export function TakingBack({ account, grant, onClose }: Props & { grant: Grant }) {
  const { t } = useTranslation();
  const headers = useOnce();
  const done = useDone(onClose);
  const take = useMutation(clawBackGrantMutation());
  const send = (form: FormData) =>
    take.mutate(
      { path: { ref: account, grant: grant.id }, headers, body: { amount: said(form, "amount"), reason: said(form, "reason") } },
      { onSuccess: ({ amount }) => done(t("account.clawedBack", { amount: amount.shown, ref: account })) },
    );
  const lead = t("account.clawBackLead", { given: grant.given.shown, left: grant.left.shown });
  return (
    <Act open onClose={onClose} title={t("account.clawBackTitle")} lead={lead} verb={t("account.clawBack")} grave why does={take} onSend={send}>
      <HowMuch value={grant.left.value} />
    </Act>
  );
}

export function Refunding({ account, charge, onClose }: Props & { charge: JournalEntry }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const headers = useOnce();
  const done = useDone(onClose);
  const refund = useMutation(refundChargeMutation());
  const send = (form: FormData) =>
    refund.mutate(
      { path: { ref: account, charge: charge.operation }, headers, body: { amount: said(form, "amount"), reason: said(form, "reason") } },
      { onSuccess: ({ amount }) => done(t("account.refunded", { amount: amount.shown, ref: account })) },
    );
  const lead = t("account.refundLead", { at: moment(charge.at), amount: charge.charge.shown });
  return (
    <Act open onClose={onClose} title={t("account.refundTitle")} lead={lead} verb={t("account.refund")} why does={refund} onSend={send}>
      <HowMuch value={charge.charge.value} />
    </Act>
  );
}
