// One simulation: how far it is while it runs, and what came out. It runs on the server, whoever looks away.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Simulation } from "../../../api";
import { showSimulationOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { useCount } from "../../../parts/count";
import { Outcome } from "./outcome";
import "../../../words/simulator";

const EVERY_MS = 700;

export function Run({ id }: { id: string }) {
  const run = useQuery({
    ...showSimulationOptions({ path: { simulation: id } }),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? EVERY_MS : false),
  });
  return <Answer of={run}>{(found) => <Shown run={found} />}</Answer>;
}

function Shown({ run }: { run: Simulation }) {
  const { t } = useTranslation();
  if (run.result) return <Outcome result={run.result} />;
  if (run.state === "running") return <Progress run={run} />;
  const why = run.state === "lost" ? t("simulator.lost") : run.problem || t("simulator.broken");
  return (
    <p role="alert" className="rounded-lg border border-line bg-sunk px-4 py-3">
      {why}
    </p>
  );
}

function Progress({ run }: { run: Simulation }) {
  const { t } = useTranslation();
  const count = useCount();
  const far = run.steps_total > 0 ? t("simulator.running", { done: count(run.steps_done), total: count(run.steps_total) }) : t("simulator.reading");
  return (
    <div role="status" className="space-y-2">
      <progress aria-label={t("simulator.state.running")} className="h-2 w-full accent-brand" {...(run.steps_total > 0 ? { value: run.steps_done, max: run.steps_total } : {})} />
      <p className="text-sm text-soft">{far}</p>
    </div>
  );
}
