// Who changed what, when, from what to what, and why: filtered, paged, and as CSV.
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import type { AuditedChange } from "../../api";
import { listAuditLogInfiniteOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { useBeginning, useMoment } from "../../parts/date";
import { Download } from "../../parts/download";
import { Field } from "../../parts/field";
import { usePages } from "../../parts/pages";
import { Empty } from "../../parts/problem";
import { More } from "../../parts/table";
import { Change } from "./audit/change";
import "../../words/audit";

const PAGE = 50;
const TEXTS = ["actor", "action", "subject"] as const;
const DAYS = ["since", "until"] as const;

export default function Screen() {
  const { t } = useTranslation();
  const [asked, ask] = useSearchParams();
  const begins = useBeginning();
  const [since, until] = [asked.get("since"), asked.get("until")];
  const filter = {
    ...Object.fromEntries(TEXTS.flatMap((name) => (asked.get(name) ? [[name, asked.get(name)]] : []))),
    ...(since ? { since: begins(since) } : {}),
    ...(until ? { until: begins(until, true) } : {}),
  };
  const wanted = { query: { limit: PAGE, ...filter } };
  const log = usePages(listAuditLogInfiniteOptions(wanted));
  const changes = log.data ?? [];
  return (
    <>
      <Head title={t("nav.audit")}>
        <Download href={`/api/v1/audit-log.csv?${new URLSearchParams(filter)}`} />
      </Head>
      <Filter key={asked.toString()} asked={asked} onAsk={ask} />
      <Answer of={log} rows={8}>
        {() =>
          changes.length === 0 ? (
            <Empty>{t(asked.size > 0 ? "audit.noneSuch" : "audit.none")}</Empty>
          ) : (
            <>
              <Changes changes={changes} onPick={(name, value) => ask({ [name]: value })} />
              <More of={log} />
            </>
          )
        }
      </Answer>
    </>
  );
}

/** What is looked for; it is asked for when its form is sent, and stands in the address. */
function Filter({ asked, onAsk }: { asked: URLSearchParams; onAsk: (wanted: Record<string, string>) => void }) {
  const { t } = useTranslation();
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = [...TEXTS, ...DAYS].map((name) => [name, String(form.get(name)).trim()] as const);
    onAsk(Object.fromEntries(given.filter(([, value]) => value)));
  };
  return (
    <form role="search" onSubmit={send} className="mb-6 grid items-end gap-3 sm:grid-cols-2 lg:grid-cols-[1fr_1fr_1fr_10rem_10rem_auto]">
      {TEXTS.map((name) => (
        <Field key={name} label={t(`audit.${name}`)} name={name} maxLength={200} defaultValue={asked.get(name) ?? ""} placeholder={t(`audit.example.${name}`)} autoComplete="off" />
      ))}
      {DAYS.map((name) => (
        <Field key={name} label={t(name === "since" ? "form.from" : "form.until")} name={name} type="date" defaultValue={asked.get(name) ?? ""} />
      ))}
      <div className="flex gap-2">
        <Button type="submit" className="min-h-11 flex-1">
          {t("form.search")}
        </Button>
        {asked.size > 0 && (
          <Button kind="plain" className="min-h-11" onClick={() => onAsk({})}>
            {t("audit.clear")}
          </Button>
        )}
      </div>
    </form>
  );
}

function Changes({ changes, onPick }: { changes: AuditedChange[]; onPick: (name: "actor" | "action" | "subject", value: string) => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const pick = (name: "actor" | "action" | "subject", value: string) => (
    <button type="button" title={t("audit.pick")} className="text-left font-medium break-all text-brand underline-offset-2 hover:underline" onClick={() => onPick(name, value)}>
      {value}
    </button>
  );
  return (
    <ol aria-label={t("nav.audit")} className="divide-y divide-line rounded-card border border-line bg-panel">
      {changes.map((one) => (
        <li key={one.id} data-change={one.id} className="min-w-0 space-y-2 px-4 py-4 wrap-anywhere sm:px-5">
          <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
            <code className="font-mono text-sm">{pick("action", one.action)}</code>
            {pick("subject", one.subject)}
            <span className="text-sm text-soft sm:ml-auto">
              <time dateTime={one.at}>{moment(one.at)}</time>
            </span>
          </div>
          {one.reason && <p className="text-sm">{t("audit.because", { reason: one.reason })}</p>}
          <Change before={one.before} after={one.after} />
          <p className="text-sm text-soft">
            {t("audit.by")} {one.actor ? pick("actor", one.actor) : t("audit.program")}
            {one.address && <> · {one.address}</>} · {t("audit.number", { id: one.id })}
          </p>
        </li>
      ))}
    </ol>
  );
}
