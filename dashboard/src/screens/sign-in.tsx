// The way in: e-mail and password, or a one-time link, which also lets somebody choose a password.
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, useLocation, useNavigate } from "react-router";

import type { Me } from "../api";
import { enterByLinkMutation, signInMutation } from "../api/@tanstack/react-query.gen";
import { seemsSignedIn } from "../client";
import { Button } from "../parts/button";
import { Titled } from "../parts/card";
import { Field } from "../parts/field";
import { Failed } from "../parts/problem";
import { LanguageChoice, ThemeChoice } from "../parts/shell";
import { useBegin, type Sent } from "../session";
import "../words/sign-in";

export default function SignIn() {
  const { t } = useTranslation();
  const [here] = useState(seemsSignedIn);
  const begun = useBegun();
  const signIn = useMutation({ ...signInMutation(), onSuccess: begun });
  const send = (form: FormData) =>
    signIn.mutate({ body: { email: String(form.get("email")), password: String(form.get("password")) } });
  const sent = useSent();
  if (here) return <Navigate to="/" replace />;
  return (
    <Door title={t("signIn.title")} lead={t("signIn.lead")} onSend={send}>
      {sent?.ended && (
        <p role="status" className="rounded-lg border border-notice/50 bg-notice/10 px-3 py-2.5 text-sm">
          {t("signIn.ended")}
        </p>
      )}
      <Field label={t("person.email")} name="email" type="email" autoComplete="username" required autoFocus />
      <Field label={t("person.password")} name="password" type="password" autoComplete="current-password" required />
      {signIn.error && <Failed error={signIn.error} />}
      <Button type="submit" className="w-full" disabled={signIn.isPending}>
        {signIn.isPending ? t("signIn.sending") : t("signIn.send")}
      </Button>
    </Door>
  );
}

/** What a one-time link opens: its secret stands behind `#`, where no server and no log sees it. */
export function Enter() {
  const { t } = useTranslation();
  const begun = useBegun();
  const { hash } = useLocation();
  const [link] = useState(hash.slice(1));
  const enter = useMutation({ ...enterByLinkMutation(), onSuccess: begun });
  const send = (form: FormData) => enter.mutate({ body: { link, password: String(form.get("password")) } });
  return (
    <Door title={t("signIn.enter")} lead={t("signIn.enterLead")} onSend={send}>
      <Field label={t("person.newPassword")} name="password" type="password" autoComplete="new-password" required autoFocus hint={t("person.passwordHint")} />
      {enter.error && <Failed error={enter.error} />}
      <Button type="submit" className="w-full" disabled={enter.isPending}>
        {enter.isPending ? t("signIn.sending") : t("signIn.send")}
      </Button>
    </Door>
  );
}

/** Returns what goes on after signing in: to where one wanted to go. */
export function useBegun(first = "/"): (me: Me) => void {
  const begin = useBegin();
  const go = useNavigate();
  const sent = useSent();
  return (me) => {
    begin(me);
    void go(sent?.to ?? first, { replace: true });
  };
}

/** Returns from where somebody was sent to the way in, if they were. */
function useSent(): Sent | null {
  const { state } = useLocation();
  return state as Sent | null;
}

interface DoorProps {
  title: string;
  lead: string;
  onSend: (form: FormData) => void;
  children: ReactNode;
}

/** The frame of every way in. */
export function Door({ title, lead, onSend, children }: DoorProps) {
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSend(new FormData(event.currentTarget));
  };
  return (
    <main className="mx-auto flex min-h-dvh max-w-sm flex-col justify-center gap-6 px-4 py-10">
      <div className="flex items-center justify-between">
        <img src="/app/mark.svg" alt="tokenhouse" className="size-10" />
        <div className="flex">
          <LanguageChoice />
          <ThemeChoice />
        </div>
      </div>
      <div>
        <Titled title={title} className="text-2xl" />
        <p className="mt-1 text-soft">{lead}</p>
      </div>
      <form onSubmit={send} className="space-y-4">
        {children}
      </form>
    </main>
  );
}
