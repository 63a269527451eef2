// What a new deployment offers to whoever runs it: sample data, a chat that works at once, other people.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Database, MessagesSquare, Users } from "lucide-react";
import type { ComponentType, ReactNode } from "react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Samples } from "../api";
import { loadSamplesMutation, showSamplesOptions, showSamplesQueryKey } from "../api/@tanstack/react-query.gen";
import { may } from "../places";
import { useMe } from "../session";
import "../words/first-steps";
import { Button } from "./button";
import { Card } from "./card";
import { Failed } from "./problem";

const WATCHED_MS = 500;

/** Shows nothing in production, and nothing more once the sample data are there. */
export function FirstSteps() {
  const { t } = useTranslation();
  const me = useMe();
  const { data } = useQuery({
    ...showSamplesOptions(),
    refetchInterval: ({ state }) => (state.data?.state === "loading" ? WATCHED_MS : false),
  });
  useFresh(data);
  if (!data || data.state === "withheld" || data.state === "loaded" || !may(me, "operator")) return null;
  return (
    <Card title={t("firstSteps.title")}>
      <ul className="grid gap-4 md:grid-cols-3">
        <Step icon={Database} title={t("firstSteps.samples")} lead={t("firstSteps.samplesLead")}>
          <Loading samples={data} />
        </Step>
        {me.account !== null && (
          <Step icon={MessagesSquare} title={t("firstSteps.chat")} lead={t("firstSteps.chatLead")}>
            <Way to="/chat" />
          </Step>
        )}
        {may(me, "owner") && (
          <Step icon={Users} title={t("firstSteps.people")} lead={t("firstSteps.peopleLead")}>
            <Way to="/operator/people" />
          </Step>
        )}
      </ul>
    </Card>
  );
}

/** Asks for everything again when the data have just come. */
function useFresh(data: Samples | undefined) {
  const queries = useQueryClient();
  const before = useRef(data?.state);
  useEffect(() => {
    if (before.current === "loading" && data?.state === "loaded") void queries.invalidateQueries();
    before.current = data?.state;
  }, [data?.state, queries]);
}

interface StepProps {
  icon: ComponentType<{ className?: string }>;
  title: string;
  lead: string;
  children: ReactNode;
}

function Step({ icon: Icon, title, lead, children }: StepProps) {
  return (
    <li className="flex flex-col items-start gap-2 rounded-lg bg-sunk p-4">
      <Icon aria-hidden className="size-5 text-brand" />
      <h3 className="font-medium">{title}</h3>
      <p className="flex-1 text-sm text-soft">{lead}</p>
      {children}
    </li>
  );
}

function Way({ to }: { to: "/chat" | "/operator/people" }) {
  const { t } = useTranslation();
  return (
    <Link to={to} className="inline-flex min-h-10 items-center text-sm font-medium text-brand underline">
      {t(to === "/chat" ? "firstSteps.chat" : "firstSteps.people")}
    </Link>
  );
}

function Loading({ samples }: { samples: Samples }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const load = useMutation({ ...loadSamplesMutation(), onSuccess: (begun) => queries.setQueryData(showSamplesQueryKey(), begun) });
  const { state, requests_done: done, requests_total: total } = samples;
  if (state === "loading") {
    return (
      <div className="w-full">
        <progress aria-label={t("firstSteps.loading")} value={done} max={total} className="w-full" />
        <p className="text-sm text-soft">{t("firstSteps.progress", { done, total })}</p>
      </div>
    );
  }
  return (
    <>
      {state === "failed" && <p role="alert" className="text-sm text-bad">{t("firstSteps.failed")}</p>}
      {load.error && <Failed error={load.error} />}
      <Button disabled={load.isPending} onClick={() => load.mutate({})}>
        {t("firstSteps.samples")}
      </Button>
    </>
  );
}
