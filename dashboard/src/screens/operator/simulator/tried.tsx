// A draft held against the plan in force on real traffic: started here, and found again by its address after a reload.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import type { PlanDocument } from "../../../api";
import { listSimulationsQueryKey, simulatePlansMutation } from "../../../api/@tanstack/react-query.gen";
import { Button } from "../../../parts/button";
import { Failed } from "../../../parts/problem";
import type { Doc } from "../plans/document";
import { Run } from "./run";

interface Props {
  document: Doc;
  /** The plan in force, if there is one. */
  against: string | undefined;
  ready: boolean;
}

export function Tried({ document, against, ready }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [place, setPlace] = useSearchParams();
  const run = place.get("run");
  const start = useMutation({
    ...simulatePlansMutation(),
    onSuccess: async (begun, { body }) => {
      sessionStorage.setItem(begun.id, JSON.stringify(body.documents?.[0]));
      setPlace({ run: begun.id }, { replace: true });
      await queries.invalidateQueries({ queryKey: listSimulationsQueryKey() });
    },
  });
  const begin = (source: "history" | "sample") =>
    start.mutate({
      body: { source, plans: against ? [against] : [], documents: [document as unknown as PlanDocument], ...(against && source === "history" ? { of_plan: against } : {}) },
    });
  const stale = run !== null && sessionStorage.getItem(run) !== JSON.stringify(document);
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap gap-2">
        <Button kind="plain" disabled={!ready || start.isPending} onClick={() => begin("history")}>
          {t("plans.onHistory")}
        </Button>
        <Button kind="plain" disabled={!ready || start.isPending} onClick={() => begin("sample")}>
          {t("plans.onSample")}
        </Button>
      </div>
      {start.error && <Failed error={start.error} />}
      {run && stale && <p role="status" className="text-sm text-warn">{t("plans.stale")}</p>}
      {run && <Run id={run} />}
    </div>
  );
}
