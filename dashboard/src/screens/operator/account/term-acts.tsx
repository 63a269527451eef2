// Windows that change an account itself: its state, its plan with what that changes, and who it is.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Account, Balance, PlanPreview } from "../../../api";
import { amendAccountMutation, listPlansOptions, previewAccountPlanOptions } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { List } from "../../../parts/choice";
import { useDate } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { Table } from "../../../parts/table";
import { LANGUAGES } from "../../../words";
import { said, useDone, useOnce } from "../acting";

interface Props {
  account: Account;
  onClose: () => void;
}

export function StateChange({ account, onClose }: Props) {
  const { t } = useTranslation();
  const headers = useOnce();
  const done = useDone(onClose);
  const amend = useMutation(amendAccountMutation());
  const ending = account.state === "active";
  const next = ending ? (["suspended", "closed"] as const) : (["active"] as const);
  const what = ending ? "suspend" : "resume";
  const send = (form: FormData) => {
    const state = next.find((one) => one === said(form, "state")) ?? next[0];
    amend.mutate(
      { path: { ref: account.ref }, headers, body: { state, reason: said(form, "reason") } },
      { onSuccess: () => done(t("account.stateChanged", { ref: account.ref, state: t(`accounts.states.${state}`) })) },
    );
  };
  return (
    <Act open onClose={onClose} title={t(`account.${what}`)} lead={t(`account.${what}Lead`)} verb={t(`account.${what}`)} grave={ending} why does={amend} onSend={send}>
      {ending && <List label={t("account.becomes")} name="state" options={next.map((one) => ({ value: one, title: t(`accounts.states.${one}`) }))} />}
    </Act>
  );
}

export function PlanChange({ account, onClose }: Props) {
  const { t } = useTranslation();
  const headers = useOnce();
  const done = useDone(onClose);
  const [plan, setPlan] = useState("");
  const plans = useQuery(listPlansOptions()).data?.items ?? [];
  const amend = useMutation(amendAccountMutation());
  const seen = useQuery({ ...previewAccountPlanOptions({ path: { ref: account.ref }, query: { plan } }), enabled: plan !== "" });
  const send = (form: FormData) =>
    amend.mutate(
      { path: { ref: account.ref }, headers, body: { plan, reason: said(form, "reason") } },
      { onSuccess: () => done(t("account.planChanged", { ref: account.ref, plan })) },
    );
  const others = plans.filter(({ name }) => name !== account.plan).map(({ name }) => ({ value: name, title: name }));
  return (
    <Act open onClose={onClose} title={t("account.plan")} lead={t("account.planLead")} verb={t("account.plan")} why does={amend} onSend={send}>
      <List label={t("account.planNew")} value={plan} required onChange={setPlan} options={[{ value: "", title: t("account.planChoose") }, ...others]} />
      {plan !== "" && <Answer of={seen}>{(data) => <Effect preview={data} />}</Answer>}
    </Act>
  );
}

/** What another plan changes: where the account would stand, and which terms differ. */
function Effect({ preview: { now, then, terms } }: { preview: PlanPreview }) {
  const { t } = useTranslation();
  const date = useDate();
  const told = (one: Balance) => ({
    remaining: one.remaining.shown,
    used: one.used.shown,
    percent: String(one.used_percent),
    ends: one.period_end_at ? date(one.period_end_at) : "–",
    level: t(`accounts.levels.${one.level}`),
  });
  const [before, after] = [told(now), told(then)];
  const rows = [
    ...(Object.keys(before) as (keyof typeof before)[]).map((name) => ({ term: t(`account.figure.${name}`), before: before[name], after: after[name] })),
    ...terms.filter(({ term }) => term !== "title").map((one) => ({ ...one, before: one.before || "–", after: one.after || "–" })),
  ];
  return (
    <>
      <Table
        caption={t("account.effect")}
        rows={rows}
        keyOf={(row) => row.term}
        columns={[
          { name: "term", title: t("account.term"), cell: (row) => <span className="wrap-anywhere">{row.term}</span> },
          { name: "effect", title: `${t("account.now")} → ${t("account.then")}`, cell: (row) => <Became before={row.before} after={row.after} /> },
        ]}
      />
      {terms.length === 0 && <p className="text-sm text-soft">{t("account.same")}</p>}
    </>
  );
}

/** What a term was and becomes, below each other where it is narrow; once, where it stays. */
function Became({ before, after }: { before: string; after: string }) {
  if (before === after) return <span className="text-soft">{before}</span>;
  return (
    <>
      <span className="text-soft wrap-anywhere">{before}</span> <span className="whitespace-nowrap">→</span> <span className="font-medium wrap-anywhere">{after}</span>
    </>
  );
}

export function Correcting({ account, onClose }: Props) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const amend = useMutation(amendAccountMutation());
  const send = (form: FormData) =>
    amend.mutate(
      {
        path: { ref: account.ref },
        body: { name: said(form, "name"), email: said(form, "email"), locale: said(form, "locale"), reason: said(form, "reason") },
      },
      { onSuccess: () => done(t("account.corrected", { ref: account.ref })) },
    );
  const languages = [{ value: "", title: t("account.deploymentLocale") }, ...Object.entries(LANGUAGES).map(([value, title]) => ({ value, title }))];
  return (
    <Act open onClose={onClose} title={t("account.correct")} lead={t("account.correctLead")} verb={t("form.save")} why does={amend} onSend={send}>
      <Field label={t("account.name")} name="name" maxLength={200} defaultValue={account.name} autoComplete="off" />
      <Field label={t("account.email")} name="email" type="email" maxLength={200} defaultValue={account.email} autoComplete="off" />
      <List label={t("account.locale")} name="locale" defaultValue={account.locale} options={languages} />
    </Act>
  );
}
