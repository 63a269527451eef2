// What the service does by itself: when each job ran, how it went, when it runs next; its runs, and to run it now.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { Job, JobRun } from "../../api";
import {
  listJobRunsInfiniteOptions, listJobRunsQueryKey, listJobsOptions, listJobsQueryKey, runJobMutation,
} from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { useMoment } from "../../parts/date";
import { Dialog } from "../../parts/dialog";
import { Badge, type Tone } from "../../parts/figure";
import { LIVE_MS } from "../../parts/live";
import { usePages } from "../../parts/pages";
import { Failed } from "../../parts/problem";
import { More, Table } from "../../parts/table";
import { useTell } from "../../parts/told";
import { may } from "../../places";
import { useMe } from "../../session";
import "../../words/jobs";

const TONES: Record<JobRun["outcome"], Tone> = { running: "notice", done: "good", failed: "bad", lost: "warn" };
const PAGE = 20;

export default function Screen() {
  const { t } = useTranslation();
  const me = useMe();
  const jobs = useQuery({ ...listJobsOptions(), refetchInterval: LIVE_MS });
  const [asked, ask] = useSearchParams();
  const [running, setRunning] = useState<Job | null>(null);
  const shown = asked.get("job");
  return (
    <>
      <Head title={t("nav.jobs")} />
      <Answer of={jobs} rows={8}>
        {(data) => (
          <div className="space-y-8">
            <List jobs={data.items} shown={shown} onRun={may(me, "operator") ? setRunning : undefined} />
            {data.items.some((one) => one.name === shown) && <Runs key={shown} name={shown ?? ""} onClose={() => ask({})} />}
          </div>
        )}
      </Answer>
      {running && <Running job={running} onClose={() => setRunning(null)} />}
    </>
  );
}

function List({ jobs, shown, onRun }: { jobs: Job[]; shown: string | null; onRun: ((job: Job) => void) | undefined }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const action = {
    name: "run",
    title: t("jobs.action"),
    cell: (job: Job) => (
      <Button kind="plain" className="min-h-9 px-3 whitespace-nowrap" disabled={job.running !== null} aria-label={t("jobs.runNamed", { name: t(`jobs.names.${job.name}`, { defaultValue: job.name }) })} onClick={() => onRun?.(job)}>
        <Play aria-hidden className="size-3.5" />
        {t("jobs.run")}
      </Button>
    ),
  };
  return (
    <Table
      caption={t("jobs.caption")}
      rows={jobs}
      keyOf={(job) => job.name}
      columns={[
        { name: "job", title: t("jobs.job"), cell: (job) => <Named job={job} shown={shown === job.name} /> },
        { name: "outcome", title: t("jobs.outcome"), cell: (job) => <Outcome run={job.running ?? job.last} /> },
        { name: "last", title: t("jobs.last"), cell: (job) => <span className="whitespace-nowrap">{job.last ? moment(job.last.started_at) : t("jobs.never")}</span> },
        { name: "took", title: t("jobs.took"), figure: true, cell: (job) => <Took run={job.last} /> },
        { name: "next", title: t("jobs.next"), cell: (job) => <span className="whitespace-nowrap">{moment(job.next_at)}</span> },
        ...(onRun ? [action] : []),
      ]}
    />
  );
}

function Named({ job, shown }: { job: Job; shown: boolean }) {
  const { t } = useTranslation();
  return (
    <>
      <Link to={{ search: `job=${encodeURIComponent(job.name)}` }} aria-current={shown ? "true" : undefined} className="font-medium text-brand underline-offset-2 hover:underline">
        {t(`jobs.names.${job.name}`, { defaultValue: job.name })}
      </Link>
      <span className="block text-xs whitespace-nowrap text-soft">
        <code className="font-mono">{job.name}</code> · <code className="font-mono">{job.schedule}</code>
      </span>
    </>
  );
}

function Outcome({ run }: { run: JobRun | null }) {
  const { t } = useTranslation();
  if (run === null) return <Badge>{t("jobs.outcomes.never")}</Badge>;
  return (
    <>
      <Badge tone={TONES[run.outcome]}>{t(`jobs.outcomes.${run.outcome}`)}</Badge>
      {run.error && <span className="mt-1 block max-w-md min-w-56 text-sm break-words text-bad">{run.error}</span>}
    </>
  );
}

function Took({ run }: { run: JobRun | null }) {
  const { t, i18n } = useTranslation();
  if (run === null || run.duration_s === null) return <>–</>;
  return <>{t("jobs.seconds", { seconds: new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 }).format(run.duration_s) })}</>;
}

/** The runs of one job, the newest first. */
function Runs({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const wanted = { path: { name }, query: { limit: PAGE } };
  const runs = usePages(listJobRunsInfiniteOptions(wanted), { refetchInterval: LIVE_MS });
  return (
    <section aria-labelledby="runs">
      <div className="mb-3 flex items-center justify-between gap-3">
        <h2 id="runs" className="text-lg font-semibold">
          {t("jobs.runs", { name: t(`jobs.names.${name}`, { defaultValue: name }) })}
        </h2>
        <Button kind="quiet" onClick={onClose}>
          {t("form.close")}
        </Button>
      </div>
      <Answer of={runs} rows={6}>
        {(rows) => (
          <Table
            caption={t("jobs.runs", { name })}
            rows={rows}
            keyOf={(run) => run.id}
            empty={t("jobs.none")}
            columns={[
              { name: "started", title: t("jobs.started"), cell: (run) => <span className="whitespace-nowrap">{moment(run.started_at)}</span> },
              { name: "outcome", title: t("jobs.outcome"), cell: (run) => <Outcome run={run} /> },
              { name: "took", title: t("jobs.took"), figure: true, cell: (run) => <Took run={run} /> },
              { name: "result", title: t("jobs.result"), cell: (run) => <Result result={run.result} /> },
              { name: "by", title: t("jobs.by"), cell: (run) => <span className="break-all">{run.asked_by || t("jobs.clock")}</span> },
              { name: "node", title: t("jobs.node"), cell: (run) => <code className="font-mono text-xs break-all">{run.node}</code>, from: "lg" },
            ]}
          />
        )}
      </Answer>
      <More of={runs} />
    </section>
  );
}

/** What a run did, in figures of its own; those that are nothing are left out. */
function Result({ result }: { result: JobRun["result"] }) {
  const { i18n } = useTranslation();
  const form = new Intl.NumberFormat(i18n.language);
  const told = Object.entries(result ?? {}).filter(([, value]) => value !== 0 && value !== null && value !== "");
  if (told.length === 0) return <>–</>;
  return (
    <ul className="flex max-w-md min-w-40 flex-wrap gap-x-3 text-xs text-soft">
      {told.map(([name, value]) => (
        <li key={name}>
          <code className="font-mono">{name}</code> {typeof value === "number" ? form.format(value) : String(value)}
        </li>
      ))}
    </ul>
  );
}

/** Runs a job now, and says how it went. */
function Running({ job, onClose }: { job: Job; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const name = t(`jobs.names.${job.name}`, { defaultValue: job.name });
  const run = useMutation({
    ...runJobMutation(),
    onSuccess: async (ended) => {
      await queries.invalidateQueries({ queryKey: listJobsQueryKey() });
      await queries.invalidateQueries({ queryKey: listJobRunsQueryKey({ path: { name: job.name } }) });
      tell({ title: t(ended.outcome === "done" ? "jobs.ran" : "jobs.ranBadly", { name }), description: ended.error });
      onClose();
    },
  });
  return (
    <Dialog open onClose={onClose} title={t("jobs.runTitle", { name })} lead={t("jobs.runLead")}>
      {run.error ? <Failed error={run.error} /> : null}
      <div className="mt-4 flex gap-2">
        <Button kind="plain" className="flex-1" onClick={onClose}>
          {t("form.cancel")}
        </Button>
        <Button className="flex-1" disabled={run.isPending} onClick={() => run.mutate({ path: { name: job.name } })}>
          {t(run.isPending ? "form.sending" : "jobs.run")}
        </Button>
      </div>
    </Dialog>
  );
}
