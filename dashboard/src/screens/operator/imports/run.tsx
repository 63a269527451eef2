// One import: how far it is, what it would change, the yes to it, and what it did. It goes on, whoever looks away.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Import } from "../../../api";
import { cancelImportMutation, carryOutImportMutation, showImportOptions, showImportQueryKey } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { useCount } from "../../../parts/count";
import { useMoment } from "../../../parts/date";
import { Failed } from "../../../parts/problem";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { said, useDone } from "../acting";
import { Report } from "./report";

const EVERY_MS = 700;
const AT_WORK = ["checking", "writing"];

export function Run({ id }: { id: string }) {
  const run = useQuery({
    ...showImportOptions({ path: { import_id: id } }),
    refetchInterval: ({ state }) => (state.data && AT_WORK.includes(state.data.state) ? EVERY_MS : false),
  });
  return <Answer of={run}>{(found) => <Shown run={found} />}</Answer>;
}

function Shown({ run }: { run: Import }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const me = useMe();
  const again = run.state === "lost" && run.check !== null;
  return (
    <div className="space-y-6">
      <Card title={run.name}>
        {AT_WORK.includes(run.state) ? <Progress run={run} /> : <Standing run={run} />}
        <p className="mt-2 text-sm wrap-anywhere text-soft">{t("imports.by", { who: run.started_by, at: moment(run.started_at) })}</p>
        {(run.state === "ready" || again) && may(me, "operator") && <Deciding run={run} />}
      </Card>
      {run.result ? <Report title={t("imports.did")} found={run.result} /> : run.check && <Report title={t("imports.would")} found={run.check} />}
    </div>
  );
}

function Progress({ run }: { run: Import }) {
  const { t } = useTranslation();
  const me = useMe();
  const count = useCount();
  const cancel = useCancel(run);
  const known = run.rows_total > 0;
  return (
    <div role="status" className="space-y-3">
      <p className="font-medium">{t(run.state === "writing" ? "imports.writing" : "imports.looking")}</p>
      <progress aria-label={t(`imports.states.${run.state}`)} className="h-2 w-full accent-brand" {...(known ? { value: run.rows_done, max: run.rows_total } : {})} />
      <p className="text-sm text-soft">{known ? t("imports.progress", { done: count(run.rows_done), total: count(run.rows_total) }) : t("imports.read", { done: count(run.rows_done) })}</p>
      {cancel.error ? <Failed error={cancel.error} /> : null}
      {may(me, "operator") && (
        <Button kind="plain" disabled={cancel.isPending} onClick={() => cancel.mutate({ path: { import_id: run.id } })}>
          {t("imports.cancel")}
        </Button>
      )}
    </div>
  );
}

/** Where it stands, in a sentence or two. */
function Standing({ run }: { run: Import }) {
  const { t } = useTranslation();
  const good = run.state === "done";
  const nothing = run.state === "ready" && run.check?.new === 0 && run.check.changed === 0;
  const lead = run.state === "ready" ? t(nothing ? "imports.nothing" : "imports.waits") : t(`imports.${run.state}`);
  const more = run.state === "failed" ? run.problem || t("imports.broken") : run.state === "lost" ? t(run.check ? "imports.lostAgain" : "imports.lostSend") : "";
  const bad = run.state === "failed" || run.state === "lost";
  const Icon = good ? CircleCheck : CircleAlert;
  return (
    <div role={bad ? "alert" : "status"}>
      <p className={`flex items-center gap-2 font-medium ${good ? "text-good" : bad ? "text-bad" : ""}`}>
        {(good || bad) && <Icon aria-hidden className="size-5 shrink-0" />}
        {lead}
      </p>
      {more && <p className="mt-1 wrap-anywhere">{more}</p>}
      {good && (
        <Link to="/operator/accounts" className="mt-2 inline-block text-sm font-medium text-brand underline">
          {t("imports.accounts")}
        </Link>
      )}
    </div>
  );
}

/** The yes, with a reason, or the no. */
function Deciding({ run }: { run: Import }) {
  const { t } = useTranslation();
  const count = useCount();
  const [deciding, setDeciding] = useState(false);
  const done = useDone(() => setDeciding(false));
  const carry = useMutation({ ...carryOutImportMutation(), onSuccess: () => done(t("imports.begun"), t("imports.begunLead")) });
  const cancel = useCancel(run);
  const refused = run.check?.refused ?? 0;
  const verb = t(run.state === "lost" ? "imports.carryAgain" : "imports.carry");
  const nothing = run.check?.new === 0 && run.check.changed === 0;
  const send = (form: FormData) => carry.mutate({ path: { import_id: run.id }, body: { reason: said(form, "reason"), leave_out: refused > 0 } });
  return (
    <div className="mt-4 space-y-3">
      {cancel.error ? <Failed error={cancel.error} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button disabled={nothing} onClick={() => setDeciding(true)}>
          {verb}
        </Button>
        {run.state === "ready" && (
          <Button kind="plain" disabled={cancel.isPending} onClick={() => cancel.mutate({ path: { import_id: run.id } })}>
            {t("imports.discard")}
          </Button>
        )}
      </div>
      <Act open={deciding} onClose={() => setDeciding(false)} title={run.name} lead={t("imports.carryLead")} verb={verb} why does={carry} onSend={send}>
        {refused > 0 && <p className="rounded-lg bg-sunk p-3 text-sm">{t("imports.without", { count: refused, shown: count(refused) })}</p>}
      </Act>
    </div>
  );
}

function useCancel(run: Import) {
  const queries = useQueryClient();
  return useMutation({
    ...cancelImportMutation(),
    onSuccess: () => queries.invalidateQueries({ queryKey: showImportQueryKey({ path: { import_id: run.id } }) }),
  });
}
