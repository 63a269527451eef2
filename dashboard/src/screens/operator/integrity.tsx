// Whether the books are right: every law held against the journal, started here, watched by anybody, and its history.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { Verification } from "../../api";
import { listVerificationsInfiniteOptions, listVerificationsQueryKey, startVerificationMutation } from "../../api/@tanstack/react-query.gen";
import { Act } from "../../parts/act";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { useCount } from "../../parts/count";
import { useMoment } from "../../parts/date";
import { Field } from "../../parts/field";
import { Badge, type Tone } from "../../parts/figure";
import { LIVE_MS } from "../../parts/live";
import { usePages } from "../../parts/pages";
import { Empty } from "../../parts/problem";
import { More, Table } from "../../parts/table";
import { useTell } from "../../parts/told";
import { may } from "../../places";
import { useMe } from "../../session";
import { said } from "./acting";
import { Check } from "./integrity/check";
import { scope } from "./integrity/scope";
import { Verdict } from "./integrity/verdict";
import "../../words/integrity";

const TONES: Record<Verification["state"], Tone> = { running: "notice", clean: "good", broken: "bad", failed: "bad", lost: "warn", cancelled: "plain" };
const PAGE = 10;
/** How often one that is under way is looked at. */
const WATCH_MS = 1_000;
const WANTED = { query: { limit: PAGE } };

export default function Screen() {
  const { t } = useTranslation();
  const me = useMe();
  const [asked] = useSearchParams();
  const [starting, setStarting] = useState(false);
  const works = usePages(listVerificationsInfiniteOptions(WANTED), {
    refetchInterval: ({ state }) => (state.data?.pages[0]?.items[0]?.state === "running" ? WATCH_MS : LIVE_MS),
  });
  const items = works.data ?? [];
  const shown = items.find(({ id }) => id === asked.get("run")) ?? items[0];
  return (
    <>
      <Head title={t("nav.integrity")}>
        {may(me, "operator") && (
          <Button disabled={items[0]?.state === "running"} onClick={() => setStarting(true)}>
            <ShieldCheck aria-hidden className="size-4" />
            {t("integrity.start")}
          </Button>
        )}
      </Head>
      <div className="space-y-8">
        <Answer of={works} rows={6}>
          {() =>
            shown ? (
              <>
                <Verdict work={shown} />
                <History items={items} shown={shown.id} />
                <More of={works} />
              </>
            ) : (
              <Empty>{t("integrity.none")}</Empty>
            )
          }
        </Answer>
        <Check />
      </div>
      <Starting open={starting} onClose={() => setStarting(false)} />
    </>
  );
}

/** The verifications that there were, the newest first. */
function History({ items, shown }: { items: Verification[]; shown: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const count = useCount();
  return (
    <section aria-labelledby="history">
      <h2 id="history" className="mb-3 text-lg font-semibold">
        {t("integrity.history")}
      </h2>
      <Table
        caption={t("integrity.history")}
        rows={items}
        keyOf={(one) => one.id}
        columns={[
          {
            name: "started",
            title: t("integrity.started"),
            cell: (one) => (
              <Link to={{ search: `run=${one.id}` }} aria-current={one.id === shown ? "true" : undefined} className="whitespace-nowrap text-brand underline-offset-2 hover:underline aria-[current]:font-medium">
                {moment(one.started_at)}
              </Link>
            ),
          },
          { name: "state", title: t("integrity.state"), cell: (one) => <Badge tone={TONES[one.state]}>{t(`integrity.states.${one.state}`)}</Badge> },
          { name: "what", title: t("integrity.what"), cell: (one) => <span className="break-all">{scope(one, t)}</span> },
          { name: "entries", title: t("integrity.entries"), figure: true, cell: (one) => count(one.entries_read) },
          { name: "found", title: t("integrity.found"), figure: true, cell: (one) => (one.verdict ? count(one.verdict.found) : "–") },
          { name: "by", title: t("integrity.by"), cell: (one) => <span className="break-all">{one.started_by || "–"}</span>, from: "md" },
        ]}
      />
    </section>
  );
}

function Starting({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const [, ask] = useSearchParams();
  const start = useMutation({
    ...startVerificationMutation(),
    onSuccess: async () => {
      ask({});
      await queries.invalidateQueries({ queryKey: listVerificationsQueryKey() });
      tell({ title: t("integrity.begun"), description: t("integrity.begunLead") });
      onClose();
    },
  });
  const send = (form: FormData) => {
    const account = said(form, "account");
    start.mutate({ body: { reason: said(form, "reason"), ...(account ? { account } : {}) } });
  };
  return (
    <Act open={open} onClose={onClose} title={t("integrity.start")} lead={t("integrity.startLead")} verb={t("integrity.start")} why does={start} onSend={send}>
      <Field label={t("integrity.account")} name="account" maxLength={200} placeholder={t("integrity.all")} autoComplete="off" />
    </Act>
  );
}
