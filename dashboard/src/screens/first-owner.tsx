// How a deployment gets its first owner: the link stands in the server's terminal, and works once.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";

import { amendMe } from "../api";
import { becomeOwnerMutation } from "../api/@tanstack/react-query.gen";
import { knowCsrf } from "../client";
import { Button } from "../parts/button";
import { Field } from "../parts/field";
import { Failed } from "../parts/problem";
import "../words/first-steps";
import { Door, useBegun } from "./sign-in";

export default function FirstOwner() {
  const { t, i18n } = useTranslation();
  const begun = useBegun("/operator");
  const { hash } = useLocation();
  const [link] = useState(hash.slice(1));
  const become = useMutation({
    ...becomeOwnerMutation(),
    onSuccess: async (me) => {
      knowCsrf(me.csrf_token);
      // They live where their browser does; where the service knows no such place, its own time is as good.
      const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
      const { data } = await amendMe({ body: { time_zone: timeZone } });
      begun(data ?? me);
    },
  });
  const send = (form: FormData) =>
    become.mutate({
      body: {
        link,
        email: String(form.get("email")),
        password: String(form.get("password")),
        name: String(form.get("name")),
        locale: i18n.language === "ko" ? "ko" : "en",
      },
    });
  return (
    <Door title={t("firstOwner.title")} lead={t("firstOwner.lead")} onSend={send}>
      <Field label={t("person.email")} name="email" type="email" autoComplete="username" required autoFocus />
      <Field label={t("firstOwner.name")} name="name" autoComplete="name" maxLength={200} />
      <Field label={t("person.newPassword")} name="password" type="password" autoComplete="new-password" required hint={t("person.passwordHint")} />
      {become.error && <Failed error={become.error} />}
      <Button type="submit" className="w-full" disabled={become.isPending}>
        {become.isPending ? t("form.sending") : t("firstOwner.send")}
      </Button>
    </Door>
  );
}
