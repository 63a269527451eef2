// What somebody decides for themselves: who they are, how pages and notices speak, their password, where they are in.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { amendMe, amendNoticeSettings, type Me } from "../api";
import { changePasswordMutation, listMySessionsQueryKey, showMeQueryKey, showNoticeSettingsQueryKey } from "../api/@tanstack/react-query.gen";
import { Button } from "../parts/button";
import { Card, Head } from "../parts/card";
import { Choice, List } from "../parts/choice";
import { Field } from "../parts/field";
import { Failed } from "../parts/problem";
import { choose, THEMES, useTheme } from "../parts/theme";
import { useTell } from "../parts/told";
import { useMe } from "../session";
import { LANGUAGES, speak, type Language } from "../words";
import { Notices } from "./settings/notices";
import { Sessions } from "./settings/sessions";
import "../words/settings";

const MINE = { path: { ref: "me" } };
const ZONES = Intl.supportedValuesOf("timeZone");

export default function Screen() {
  const { t } = useTranslation();
  const me = useMe();
  const person = me.expires_at !== null;
  return (
    <>
      <Head title={t("nav.settings")} />
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <div className="min-w-0 space-y-6">
          {person && <Profile me={me} />}
          <Look />
          {person && <Sessions />}
        </div>
        <div className="min-w-0 space-y-6">
          {me.account !== null && <Notices />}
          {person && <Password me={me} />}
        </div>
      </div>
    </>
  );
}

/** Name, language and time zone; the last two hold for notices as well. */
function Profile({ me }: { me: Me }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const save = useMutation({
    mutationFn: async (profile: { name: string; locale: Language; time_zone: string }) => {
      const { data } = await amendMe({ body: profile, throwOnError: true });
      if (me.account !== null) {
        const { locale: language, time_zone } = profile;
        await amendNoticeSettings({ ...MINE, body: { language, time_zone }, throwOnError: true });
      }
      return data;
    },
    onSuccess: async (now, { locale }) => {
      queries.setQueryData(showMeQueryKey(), now);
      await speak(locale);
      await queries.invalidateQueries({ queryKey: showNoticeSettingsQueryKey(MINE) });
      tell({ title: i18n.t("settings.saved") });
    },
  });
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    save.mutate({
      name: String(form.get("name")),
      locale: String(form.get("language")) as Language,
      time_zone: String(form.get("zone")),
    });
  };
  return (
    <Card title={t("settings.profile")}>
      <form onSubmit={send} className="space-y-4">
        <p className="text-sm">
          <span className="text-soft">{t("person.email")}: </span>
          <span className="wrap-anywhere">{me.email}</span>
        </p>
        <Field label={t("settings.name")} name="name" defaultValue={me.name} maxLength={200} autoComplete="name" />
        <List
          label={t("language")}
          name="language"
          defaultValue={me.locale}
          options={Object.entries(LANGUAGES).map(([value, title]) => ({ value, title }))}
        />
        <p className="-mt-3 text-sm text-soft">{t("settings.languageHint")}</p>
        <Field label={t("settings.timeZone")} name="zone" defaultValue={me.time_zone} list="zones" required maxLength={200} autoComplete="off" hint={t("settings.timeZoneHint")} />
        <datalist id="zones">
          {ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        {save.error && <Failed error={save.error} />}
        <Button type="submit" disabled={save.isPending}>
          {t(save.isPending ? "form.sending" : "form.save")}
        </Button>
      </form>
    </Card>
  );
}

function Look() {
  const { t } = useTranslation();
  const theme = useTheme();
  return (
    <Card title={t("settings.look")}>
      <Choice label={t("theme.label")} value={theme} onChange={choose} options={THEMES.map((value) => ({ value, title: t(`theme.${value}`) }))} />
    </Card>
  );
}

function Password({ me }: { me: Me }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const [round, setRound] = useState(0);
  const change = useMutation({
    ...changePasswordMutation(),
    onSuccess: async () => {
      setRound(round + 1);
      tell({ title: t("settings.passwordChanged") });
      await Promise.all([showMeQueryKey(), listMySessionsQueryKey()].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    change.mutate({ body: { old: String(form.get("old") ?? ""), new: String(form.get("new")) } });
  };
  return (
    <Card title={t("person.password")}>
      <form key={round} onSubmit={send} className="space-y-4">
        <input type="hidden" autoComplete="username" value={me.email ?? ""} readOnly />
        {me.has_password && <Field label={t("settings.passwordOld")} name="old" type="password" autoComplete="current-password" required />}
        <Field label={t("person.newPassword")} name="new" type="password" autoComplete="new-password" required hint={`${t("person.passwordHint")} ${t("settings.passwordEnds")}`} />
        {change.error && <Failed error={change.error} />}
        <Button type="submit" disabled={change.isPending}>
          {t(change.isPending ? "form.sending" : "settings.passwordChange")}
        </Button>
      </form>
    </Card>
  );
}
