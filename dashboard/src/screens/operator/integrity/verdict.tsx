// One verification: how far it is while it is under way, and then each law, and whatever does not agree.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Loader } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Finding, Verification } from "../../../api";
import { cancelVerificationMutation, listVerificationsQueryKey } from "../../../api/@tanstack/react-query.gen";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { useCount } from "../../../parts/count";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { Failed } from "../../../parts/problem";
import { Said as Sentence } from "../../../parts/said";
import { Table } from "../../../parts/table";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { placeOf } from "../account/lines";
import { scope } from "./scope";

/** In place of an account: all of them together. */
const EVERYWHERE = "*";

export function Verdict({ work }: { work: Verification }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <Card title={t("integrity.of", { what: scope(work, t), at: moment(work.started_at) })}>
      {work.state === "running" ? <Progress work={work} /> : <Said work={work} />}
      {work.verdict && (
        <div className="mt-5 space-y-5">
          {work.verdict.findings.length > 0 && <Findings found={work.verdict.findings} all={work.verdict.found} />}
          <Laws work={work} />
        </div>
      )}
    </Card>
  );
}

function Progress({ work }: { work: Verification }) {
  const { t } = useTranslation();
  const me = useMe();
  const count = useCount();
  const queries = useQueryClient();
  const cancel = useMutation({
    ...cancelVerificationMutation(),
    onSuccess: () => queries.invalidateQueries({ queryKey: listVerificationsQueryKey() }),
  });
  return (
    <div role="status" className="space-y-3">
      <p className="flex items-center gap-2 font-medium">
        <Loader aria-hidden className="size-4 shrink-0 animate-spin text-notice" />
        {t("integrity.progress", { read: count(work.entries_read), total: count(work.entries_total) })}
      </p>
      <progress aria-label={t("integrity.entries")} value={work.entries_read} max={work.entries_total || 1} className="h-2 w-full accent-brand" />
      {cancel.error ? <Failed error={cancel.error} /> : null}
      {may(me, "operator") && (
        <Button kind="plain" disabled={cancel.isPending} onClick={() => cancel.mutate({ path: { verification: work.id } })}>
          {t("integrity.cancel")}
        </Button>
      )}
    </div>
  );
}

/** How it ended, in a sentence. */
function Said({ work }: { work: Verification }) {
  const { t, i18n } = useTranslation();
  const count = useCount();
  const good = work.state === "clean";
  const Icon = good ? CircleCheck : CircleAlert;
  const seconds = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 1 });
  return (
    <>
      <p role="status" className={`flex items-center gap-2 text-lg font-semibold ${good ? "text-good" : work.state === "cancelled" ? "text-soft" : "text-bad"}`}>
        <Icon aria-hidden className="size-5 shrink-0" />
        {t(`integrity.said.${work.state}`, { count: work.verdict?.found ?? 0 })}
      </p>
      {work.verdict && (
        <p className="mt-1 text-sm text-soft">
          {t("integrity.read", { entries: count(work.verdict.entries), accounts: count(work.verdict.accounts), seconds: seconds.format(work.verdict.seconds) })}
        </p>
      )}
    </>
  );
}

function Findings({ found, all }: { found: Finding[]; all: number }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <div>
      <h3 className="mb-2 font-medium">{t("integrity.findings")}</h3>
      <Table
        caption={t("integrity.findings")}
        rows={found.map((one, nth) => ({ ...one, nth }))}
        keyOf={(one) => one.nth}
        columns={[
          { name: "account", title: t("integrity.who"), cell: (one) => <Who account={one.account} /> },
          { name: "check", title: t("integrity.law"), cell: (one) => <code className="font-mono text-xs">{one.check}</code> },
          { name: "figure", title: t("integrity.figure"), cell: (one) => one.figure },
          { name: "expected", title: t("integrity.expected"), figure: true, cell: (one) => one.expected ?? "–" },
          { name: "found", title: t("integrity.is"), figure: true, cell: (one) => one.found ?? "–" },
          { name: "entry", title: t("integrity.entry"), figure: true, cell: (one) => (one.seq > 0 ? count(one.seq) : "–") },
          { name: "do", title: t("integrity.do"), cell: (one) => <span className="block min-w-64"><Sentence>{t(`integrity.remedies.${one.check}`)}</Sentence></span> },
        ]}
      />
      {all > found.length && <p className="mt-2 text-sm text-soft">{t("integrity.first", { shown: count(found.length), all: count(all) })}</p>}
    </div>
  );
}

function Who({ account }: { account: string }) {
  const { t } = useTranslation();
  if (account === EVERYWHERE) return <>{t("integrity.together")}</>;
  return (
    <Link to={placeOf(account)} className="block min-w-24 font-medium break-all text-brand underline-offset-2 hover:underline">
      {account}
    </Link>
  );
}

function Laws({ work }: { work: Verification }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <div>
      <h3 className="mb-2 font-medium">{t("integrity.laws")}</h3>
      <Table
        caption={t("integrity.laws")}
        rows={work.verdict?.checks ?? []}
        keyOf={(one) => one.name}
        columns={[
          {
            name: "law",
            title: t("integrity.law"),
            cell: (one) => (
              <span className="block min-w-48">
                {t(`integrity.meanings.${one.name}`)}
                <code className="block font-mono text-xs text-soft">{one.name}</code>
              </span>
            ),
          },
          { name: "checked", title: t("integrity.checked"), figure: true, cell: (one) => count(one.checked) },
          {
            name: "held",
            title: t("integrity.held"),
            figure: true,
            cell: (one) => <Badge tone={one.failed ? "bad" : "good"}>{one.failed ? t("integrity.broke", { count: one.failed }) : t("integrity.holds")}</Badge>,
          },
        ]}
      />
    </div>
  );
}
