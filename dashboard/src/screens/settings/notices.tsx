// Where somebody is told, and at which shares of what they have used.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { NoticeSettings } from "../../api";
import { amendNoticeSettingsMutation, showNoticeSettingsOptions, showNoticeSettingsQueryKey } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { Field } from "../../parts/field";
import { Failed } from "../../parts/problem";
import { useTell } from "../../parts/told";
import "../../words/settings";

const MINE = { path: { ref: "me" } };
const SHARES = ["0.5", "0.6", "0.7", "0.8", "0.85", "0.9", "0.95", "0.99"];

export function Notices() {
  const { t } = useTranslation();
  const settings = useQuery(showNoticeSettingsOptions(MINE));
  return (
    <Card title={t("settings.notices")}>
      <Answer of={settings}>{(data) => <Form key={JSON.stringify(data)} settings={data} />}</Answer>
    </Card>
  );
}

function Form({ settings }: { settings: NoticeSettings }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const [own, setOwn] = useState(settings.own_levels);
  const save = useMutation({
    ...amendNoticeSettingsMutation(),
    onSuccess: (now) => {
      queries.setQueryData(showNoticeSettingsQueryKey(MINE), now);
      tell({ title: t("settings.saved") });
    },
  });
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const levels = own ? form.getAll("level").map(String) : null;
    save.mutate({ ...MINE, body: { email: String(form.get("email")), by_email: form.has("by_email"), levels } });
  };
  return (
    <form onSubmit={send} className="space-y-4">
      <p className="text-sm text-soft">{t("settings.noticesLead")}</p>
      <Field label={t("settings.noticeEmail")} name="email" type="email" defaultValue={settings.email} maxLength={200} autoComplete="email" />
      <Check name="by_email" title={t("settings.byEmail")} checked={settings.by_email} />
      <fieldset className="space-y-3">
        <legend className="text-sm font-medium">{t("settings.levels")}</legend>
        <Choice
          label={t("settings.levels")}
          value={own ? "own" : "plan"}
          onChange={(value) => setOwn(value === "own")}
          options={(["plan", "own"] as const).map((value) => ({ value, title: t(`settings.levelsOf.${value}`) }))}
        />
        <Levels settings={settings} own={own} />
      </fieldset>
      {save.error && <Failed error={save.error} />}
      <Button type="submit" disabled={save.isPending}>
        {t(save.isPending ? "form.sending" : "form.save")}
      </Button>
    </form>
  );
}

/** The shares of one's own choice to tick, or what the plan has. */
function Levels({ settings, own }: { settings: NoticeSettings; own: boolean }) {
  const { t, i18n } = useTranslation();
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 2 });
  const said = (share: string) => percent.format(Number(share));
  if (own) {
    const shares = [...new Set([...SHARES, ...settings.levels])].sort();
    return (
      <div className="grid grid-cols-[repeat(auto-fill,minmax(5.5rem,1fr))] gap-2">
        {shares.map((share) => (
          <Check key={share} name="level" value={share} title={said(share)} checked={settings.levels.includes(share)} />
        ))}
      </div>
    );
  }
  if (settings.own_levels) return null;
  const levels = settings.levels.map(said).join(", ");
  return <p className="text-sm text-soft">{levels ? t("settings.levelsPlan", { levels }) : t("settings.levelsNone")}</p>;
}

function Check({ name, value, title, checked }: { name: string; value?: string; title: string; checked: boolean }) {
  return (
    <label className="flex min-h-10 items-center gap-2 text-sm">
      <input type="checkbox" name={name} {...(value ? { value } : {})} defaultChecked={checked} className="size-4 accent-brand" />
      {title}
    </label>
  );
}
