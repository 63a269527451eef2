// What the server runs with and how it stands: what was examined, the providers, and every setting. No secret is here.
import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { HouseSettings, Provider, Setting } from "../../api";
import { checkProviderMutation, showHouseSettingsOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Card, Head } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { useCount } from "../../parts/count";
import { Field } from "../../parts/field";
import { Badge } from "../../parts/figure";
import { Failed } from "../../parts/problem";
import { Said } from "../../parts/said";
import { Table } from "../../parts/table";
import { may } from "../../places";
import { useMe } from "../../session";
import "../../words/house-settings";

const LOOKS = {
  ok: { icon: CircleCheck, ink: "text-good" },
  warn: { icon: TriangleAlert, ink: "text-warn" },
  fail: { icon: CircleAlert, ink: "text-bad" },
} as const;

export default function Screen() {
  const { t } = useTranslation();
  const settings = useQuery(showHouseSettingsOptions());
  return (
    <>
      <Head title={t("nav.house_settings")} />
      <Answer of={settings} rows={10}>
        {(data) => (
          <div className="space-y-8">
            <Examined found={data} />
            <Providers providers={data.providers} />
            <InForce settings={data.settings} />
          </div>
        )}
      </Answer>
    </>
  );
}

/** What `tokenhouse doctor` finds, each subject with what to do where it is not well. */
function Examined({ found }: { found: HouseSettings }) {
  const { t } = useTranslation();
  return (
    <Card title={t("houseSettings.examined", { version: found.version, address: found.address })}>
      <ul className="divide-y divide-line">
        {found.examined.map((one) => {
          const { icon: Icon, ink } = LOOKS[one.verdict];
          return (
            <li key={one.subject} data-verdict={one.verdict} className="grid gap-x-4 gap-y-1 py-2.5 first:pt-0 last:pb-0 sm:grid-cols-[11rem_1fr]">
              <span className="flex items-center gap-2 self-start font-medium">
                <Icon aria-hidden className={`size-4 shrink-0 ${ink}`} />
                <span className="sr-only">{t(`houseSettings.verdicts.${one.verdict}`)}: </span>
                {one.title}
              </span>
              <span className="min-w-0 text-sm break-words">
                {one.said}
                {one.remedy && (
                  <span className={`mt-1 block ${ink}`}>
                    <Said>{one.remedy}</Said>
                  </span>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Providers({ providers }: { providers: Provider[] }) {
  const { t } = useTranslation();
  const me = useMe();
  const count = useCount();
  const check = { name: "check", title: t("houseSettings.check"), cell: (one: Provider) => <Ask name={one.name} /> };
  return (
    <section aria-labelledby="providers">
      <h2 id="providers" className="text-lg font-semibold">
        {t("houseSettings.providers")}
      </h2>
      <p className="mb-3 text-sm text-soft">{t("houseSettings.since")}</p>
      <Table
        caption={t("houseSettings.providers")}
        rows={providers}
        keyOf={(one) => one.name}
        empty={t("houseSettings.noProviders")}
        columns={[
          {
            name: "name",
            title: t("houseSettings.provider"),
            cell: (one) => (
              <>
                <span className="font-medium">{one.name}</span>
                <span className="block min-w-44 text-xs break-all text-soft">{[one.protocol, one.place].filter(Boolean).join(" · ")}</span>
              </>
            ),
          },
          { name: "models", title: t("houseSettings.models"), cell: (one) => <code className="block min-w-28 font-mono text-xs break-words">{one.models.join(", ")}</code> },
          { name: "answered", title: t("houseSettings.answered"), figure: true, cell: (one) => count(one.answered) },
          {
            name: "failed",
            title: t("houseSettings.failed"),
            figure: true,
            cell: (one) => (
              <>
                {count(one.failed)}
                {one.failures.map(({ reason, calls }) => (
                  <span key={reason} className="block text-xs text-bad">
                    <code className="font-mono">{reason}</code> × {count(calls)}
                  </span>
                ))}
              </>
            ),
          },
          ...(may(me, "operator") ? [check] : []),
        ]}
      />
    </section>
  );
}

/** Asks one provider whether it answers, now. */
function Ask({ name }: { name: string }) {
  const { t } = useTranslation();
  const count = useCount();
  const check = useMutation(checkProviderMutation());
  return (
    <div className="min-w-40 space-y-2">
      <Button kind="plain" className="min-h-9 px-3 whitespace-nowrap" disabled={check.isPending} aria-label={t("houseSettings.askNamed", { name })} onClick={() => check.mutate({ path: { name } })}>
        {t(check.isPending ? "form.sending" : "houseSettings.ask")}
      </Button>
      {check.data && (
        <p role="status" className="text-xs text-good">
          {t("houseSettings.answers", { models: count(check.data.models), ms: count(check.data.took_ms) })}
        </p>
      )}
      {check.error ? <Failed error={check.error} /> : null}
    </div>
  );
}

const SHOWN = ["all", "chosen"] as const;

function InForce({ settings }: { settings: Setting[] }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState<(typeof SHOWN)[number]>("all");
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const rows = settings.filter(
    (one) =>
      (shown === "all" || one.origin !== "default") && (one.name.includes(wanted) || one.meaning.toLowerCase().includes(wanted)),
  );
  return (
    <section aria-labelledby="in-force">
      <h2 id="in-force" className="mb-3 text-lg font-semibold">
        {t("houseSettings.inForce")}
      </h2>
      <div className="mb-4 flex flex-wrap items-end gap-3">
        <div className="min-w-48 flex-1">
          <Field label={t("houseSettings.search")} type="search" value={text} onChange={(event) => setText(event.target.value)} autoComplete="off" />
        </div>
        <Choice label={t("houseSettings.show")} value={shown} onChange={setShown} options={SHOWN.map((value) => ({ value, title: t(`houseSettings.shown.${value}`) }))} />
      </div>
      <Table
        caption={t("houseSettings.inForce")}
        rows={rows}
        keyOf={(one) => one.name}
        empty={t("houseSettings.noSuch")}
        columns={[
          { name: "name", title: t("houseSettings.setting"), cell: (one) => <code className="block min-w-24 font-mono text-xs break-all">{one.name}</code> },
          { name: "value", title: t("houseSettings.value"), cell: (one) => <Value of={one} /> },
          { name: "origin", title: t("houseSettings.origin"), cell: (one) => <Badge tone={one.origin === "default" ? "plain" : "notice"}>{t(`houseSettings.origins.${one.origin}`)}</Badge> },
          { name: "meaning", title: t("houseSettings.meaning"), cell: (one) => <span className="block min-w-56 text-soft"><Said>{one.meaning}</Said></span>, from: "sm" },
        ]}
      />
    </section>
  );
}

function Value({ of: { value, is_set: isSet, is_secret: isSecret } }: { of: Setting }) {
  const { t } = useTranslation();
  if (isSecret) return <Badge tone={isSet ? "good" : "plain"}>{t(isSet ? "houseSettings.set" : "houseSettings.unset")}</Badge>;
  if (!isSet) return <span className="text-soft">–</span>;
  if (typeof value === "boolean") return <>{t(value ? "houseSettings.yes" : "houseSettings.no")}</>;
  const said = Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);
  return <span className="block max-w-80 min-w-24 break-words">{said}</span>;
}
