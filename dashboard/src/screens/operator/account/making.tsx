// The window that opens an account.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import type { NewAccount, Plan } from "../../../api";
import { createAccountMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { List } from "../../../parts/choice";
import { Field } from "../../../parts/field";
import { useTell } from "../../../parts/told";
import { said } from "../acting";
import { placeOf } from "./lines";

const KINDS = ["user", "team", "company"] as const;

export function Making({ open, onClose, plans }: { open: boolean; onClose: () => void; plans: readonly Plan[] }) {
  const { t } = useTranslation();
  const tell = useTell();
  const go = useNavigate();
  const queries = useQueryClient();
  const make = useMutation(createAccountMutation());
  const close = () => {
    onClose();
    make.reset();
  };
  const send = (form: FormData) => {
    const body: NewAccount = {
      ref: said(form, "ref"),
      kind: said(form, "kind") as (typeof KINDS)[number],
      name: said(form, "name"),
      email: said(form, "email"),
      parent: said(form, "parent") || null,
      plan: said(form, "plan") || null,
      reason: said(form, "reason"),
    };
    make.mutate(
      { body },
      {
        onSuccess: async ({ ref }) => {
          close();
          tell({ title: t("accounts.made", { ref }) });
          await queries.invalidateQueries();
          await go(placeOf(ref));
        },
      },
    );
  };
  return (
    <Act open={open} onClose={close} title={t("accounts.make")} lead={t("accounts.makeLead")} verb={t("accounts.make")} why does={make} onSend={send}>
      <Field label={t("accounts.ref")} name="ref" required maxLength={200} placeholder={t("accounts.refExample")} autoComplete="off" />
      <Field label={t("accounts.name")} name="name" maxLength={200} autoComplete="off" />
      <Field label={t("accounts.email")} name="email" type="email" maxLength={200} autoComplete="off" />
      <div className="grid grid-cols-2 gap-3">
        <List label={t("accounts.kind")} name="kind" options={KINDS.map((one) => ({ value: one, title: t(`accounts.kinds.${one}`) }))} />
        <List
          label={t("accounts.plan")}
          name="plan"
          options={[{ value: "", title: t("accounts.ordinary") }, ...plans.map(({ name }) => ({ value: name, title: name }))]}
        />
      </div>
      <Field label={t("accounts.parent")} name="parent" maxLength={200} placeholder={t("accounts.parentExample")} autoComplete="off" />
    </Act>
  );
}
