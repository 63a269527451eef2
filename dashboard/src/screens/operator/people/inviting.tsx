// How somebody comes in: they are made with a one-time link, shown this once; a forgotten password gets another.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Invitation, NewPerson, Person } from "../../../api";
import { createPersonMutation, invitePersonMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Button } from "../../../parts/button";
import { List } from "../../../parts/choice";
import { ShownOnce } from "../../../parts/copied";
import { useMoment } from "../../../parts/date";
import { Dialog } from "../../../parts/dialog";
import { Field } from "../../../parts/field";
import { Badge, type Tone } from "../../../parts/figure";
import { Failed } from "../../../parts/problem";
import { LANGUAGES, type Language } from "../../../words";
import { said } from "../acting";
import "../../../words/people";

export const ROLES = ["user", "auditor", "operator", "owner"] as const;
const TONES: Record<string, Tone> = { active: "good", invited: "notice", disabled: "bad" };

export function PersonState({ person: { state } }: { person: Person }) {
  const { t } = useTranslation();
  return <Badge tone={TONES[state] ?? "plain"}>{t(`people.states.${state}`)}</Badge>;
}

/** Makes somebody: a user of the account that is named, or whoever the form says. */
export function Inviting({ account, onClose }: { account?: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [role, setRole] = useState<string>("operator");
  const invite = useMutation({ ...createPersonMutation(), gcTime: 0, onSuccess: () => queries.invalidateQueries() });
  if (invite.data) return <Link of={invite.data} onClose={onClose} />;
  const send = (form: FormData) => {
    const locale = Object.keys(LANGUAGES).find((one): one is Language => one === said(form, "locale"));
    const body: NewPerson = {
      email: said(form, "email"),
      name: said(form, "name"),
      role: account ? "user" : (ROLES.find((one) => one === role) ?? "user"),
      account: account ?? said(form, "account"),
      locale: locale ?? null,
    };
    invite.mutate({ body });
  };
  const lead = account ? t("people.inviteTo", { account }) : t("people.inviteLead");
  return (
    <Act open onClose={onClose} title={t("people.invite")} lead={lead} verb={t("people.invite")} does={invite} onSend={send}>
      <Field label={t("people.email")} name="email" type="email" required maxLength={190} autoComplete="off" />
      <Field label={t("people.name")} name="name" maxLength={200} autoComplete="off" />
      {!account && (
        <>
          <List label={t("people.role")} value={role} onChange={setRole} options={ROLES.map((one) => ({ value: one, title: t(`role.${one}`) }))} />
          <p className="-mt-2 text-sm text-soft">{t(`people.may.${role}`)}</p>
          <Field label={t(role === "user" ? "people.account" : "people.ownAccount")} name="account" maxLength={200} required={role === "user"} autoComplete="off" />
        </>
      )}
      <List label={t("language")} name="locale" options={[{ value: "", title: t("people.deploymentLocale") }, ...Object.entries(LANGUAGES).map(([value, title]) => ({ value, title }))]} />
    </Act>
  );
}

/** A one-time link, here this once. */
function Link({ of, onClose }: { of: Invitation; onClose: () => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const lead = t("people.linkLead", { at: moment(of.expires_at) });
  return <ShownOnce title={t("people.linkOf", { email: of.person.email })} lead={lead} text={of.link} label={t("people.link")} onDone={onClose} />;
}

/** Another link for somebody, in place of the one before. */
export function NewLink({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const make = useMutation({ ...invitePersonMutation(), gcTime: 0, onSuccess: () => queries.invalidateQueries() });
  if (make.data) return <Link of={make.data} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title={t("people.linkOf", { email: person.email })} lead={t("people.newLinkLead")}>
      <div className="space-y-4">
        {make.error && <Failed error={make.error} />}
        <Button className="w-full" disabled={make.isPending} onClick={() => make.mutate({ path: { person: person.id } })}>
          {make.isPending ? t("form.sending") : t("people.makeLink")}
        </Button>
      </div>
    </Dialog>
  );
}
