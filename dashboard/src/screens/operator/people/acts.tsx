// Windows that change what somebody may: their role, their sessions, whether they are let in at all.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Person } from "../../../api";
import { amendPersonMutation, signOutPersonMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { List } from "../../../parts/choice";
import { Field } from "../../../parts/field";
import { said, useDone } from "../acting";
import { ROLES } from "./inviting";

interface Props {
  person: Person;
  onClose: () => void;
}

export function RoleChange({ person, onClose }: Props) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const amend = useMutation(amendPersonMutation());
  const [role, setRole] = useState<string>(person.role);
  const send = (form: FormData) =>
    amend.mutate(
      {
        path: { person: person.id },
        body: { role: ROLES.find((one) => one === role) ?? person.role, account: said(form, "account"), reason: said(form, "reason") },
      },
      { onSuccess: () => done(t("people.changed", { email: person.email })) },
    );
  return (
    <Act open onClose={onClose} title={t("people.actOf", { email: person.email })} lead={t("people.changeLead")} verb={t("people.change")} why does={amend} onSend={send}>
      <List label={t("people.role")} value={role} onChange={setRole} options={ROLES.map((one) => ({ value: one, title: t(`role.${one}`) }))} />
      <p className="-mt-2 text-sm text-soft">{t(`people.may.${role}`)}</p>
      <Field
        label={t(role === "user" ? "people.account" : "people.ownAccount")}
        name="account"
        maxLength={200}
        required={role === "user"}
        defaultValue={person.account ?? ""}
        autoComplete="off"
      />
    </Act>
  );
}

export function SigningOut({ person, onClose }: Props) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const leave = useMutation(signOutPersonMutation());
  const send = () =>
    leave.mutate({ path: { person: person.id } }, { onSuccess: ({ sessions }) => done(t("people.left", { count: sessions })) });
  return (
    <Act open onClose={onClose} title={t("people.leave")} lead={t("people.leaveLead", { email: person.email })} verb={t("people.leave")} grave does={leave} onSend={send} />
  );
}

/** Lets somebody in no more, or again. */
export function Admitting({ person, onClose }: Props) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const amend = useMutation(amendPersonMutation());
  const disabled = person.state !== "disabled";
  const verb = t(disabled ? "people.disable" : "people.enable");
  const send = (form: FormData) =>
    amend.mutate(
      { path: { person: person.id }, body: { disabled, reason: said(form, "reason") } },
      { onSuccess: () => done(t(disabled ? "people.disabled" : "people.enabled", { email: person.email })) },
    );
  return (
    <Act
      open
      onClose={onClose}
      title={`${verb}: ${person.email}`}
      lead={t(disabled ? "people.disableLead" : "people.enableLead")}
      verb={verb}
      grave={disabled}
      why
      does={amend}
      onSend={send}
    />
  );
}
