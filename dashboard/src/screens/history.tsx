// The journal of an account: what was used by day, every line of what came and went, and each of them explained.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { JournalEntry, Key } from "../api";
import { listEntriesInfiniteOptions, listKeysOptions, showAccountUsageOptions } from "../api/@tanstack/react-query.gen";
import { Answer } from "../parts/answer";
import { Card, Head, Vacant } from "../parts/card";
import { Choice } from "../parts/choice";
import { useMoment } from "../parts/date";
import { Download } from "../parts/download";
import { usePages } from "../parts/pages";
import { Empty } from "../parts/problem";
import { More, Table } from "../parts/table";
import { UseChart } from "../parts/use-chart";
import { useMe } from "../session";
import { Entry, Kinds } from "./history/entry";
import { FilterBar, nameOfKey } from "./history/filter-bar";
import { useLines, useStretches, useWanted, VIEWS, type View, type Wanted } from "./history/filters";
import "../words/history";

const MINE = { path: { ref: "me" } };
const PAGE = 50;

export default function Screen() {
  const { t } = useTranslation();
  const { account } = useMe();
  return account === null ? <Vacant title={t("nav.history")}>{t("state.noAccount")}</Vacant> : <History />;
}

function History() {
  const { t } = useTranslation();
  const [wanted, change] = useWanted();
  const keys = useQuery(listKeysOptions(MINE)).data?.items ?? [];
  const stretches = useStretches(wanted);
  const [by, setBy] = useState<"model" | "key">("model");
  const used = useQuery(showAccountUsageOptions({ ...MINE, query: { ...stretches, by } }));
  const lines = useLines(wanted, used.data?.starts[0]);
  const known = wanted.range === "all" || wanted.range === "own" || used.data !== undefined;
  return (
    <>
      <Head title={t("nav.history")}>
        <Download href={`/api/v1/accounts/me/entries.csv?${query(lines)}`} />
      </Head>
      <div className="space-y-6">
        <FilterBar wanted={wanted} onChange={change} keys={keys} />
        <Card
          title={t("nav.usage")}
          aside={
            <Choice
              label={t("history.by")}
              value={by}
              onChange={setBy}
              options={(["model", "key"] as const).map((value) => ({ value, title: t(`history.${value}`) }))}
            />
          }
        >
          <Answer of={used}>
            {(data) =>
              data.items.length === 0 ? (
                <p className="py-4 text-soft">{t("history.unused")}</p>
              ) : (
                <UseChart
                  title={t("used.total", { amount: data.total.charged.shown, count: data.total.turns })}
                  use={data}
                  every={stretches.every}
                  nameOf={(part) => nameOf(part, keys, t("used.noModel"), t("history.noKey"))}
                />
              )
            }
          </Answer>
        </Card>
        {known && <Journal wanted={wanted} lines={lines} onView={(view) => change({ view })} />}
      </div>
    </>
  );
}

function nameOf(part: { model: string | null; api_key: string | null }, keys: readonly Key[], noModel: string, noKey: string): string {
  if (part.model !== null) return part.model || noModel;
  return part.api_key ? nameOfKey(keys, part.api_key) : noKey;
}

/** Returns filters as an address has them; a list is repeated. */
function query(lines: Record<string, string | readonly string[]>): string {
  const pairs = Object.entries(lines).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as [string, string]));
  return new URLSearchParams(pairs).toString();
}

interface JournalProps {
  wanted: Wanted;
  lines: ReturnType<typeof useLines>;
  onView: (view: View) => void;
}

function Journal({ wanted, lines, onView }: JournalProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<number | null>(null);
  const asked = { ...MINE, query: { ...lines, limit: PAGE } };
  const pages = usePages(listEntriesInfiniteOptions(asked));
  const filtered = wanted.view !== "all" || wanted.range !== "all" || wanted.model !== "" || wanted.apiKey !== "";
  return (
    <section aria-label={t("history.lines")}>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <h2 className="text-lg font-semibold tracking-tight">{t("history.lines")}</h2>
        <Choice
          label={t("form.show")}
          value={wanted.view}
          onChange={onView}
          options={(Object.keys(VIEWS) as View[]).map((value) => ({ value, title: t(`history.view.${value}`) }))}
        />
      </div>
      <Answer of={pages} rows={6}>
        {(found) => {
          if (found.length === 0 && !pages.hasNextPage) return <Empty>{t(filtered ? "history.noneSuch" : "history.none")}</Empty>;
          return <Lines lines={found} onOpen={setOpen} />;
        }}
      </Answer>
      <More of={pages} />
      {open !== null && <Entry account="me" seq={open} onClose={() => setOpen(null)} />}
    </section>
  );
}

function Lines({ lines, onOpen }: { lines: JournalEntry[]; onOpen: (seq: number) => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <Table
      caption={t("history.lines")}
      rows={lines}
      keyOf={(line) => line.seq}
      columns={[
        {
          name: "what",
          title: t("history.what"),
          cell: (line) => (
            <>
              <button
                type="button"
                onClick={() => onOpen(line.seq)}
                className="text-left font-medium underline decoration-line underline-offset-4 hover:decoration-current"
              >
                {t(`kind.${line.kind}`)}
                <span className="sr-only"> ({t("history.open", { seq: line.seq })})</span>
              </button>
              <span className="line-clamp-4 text-soft wrap-anywhere">{[line.model, line.note].filter(Boolean).join(" · ")}</span>
              <span className="block text-soft sm:hidden">{moment(line.at)}</span>
            </>
          ),
        },
        { name: "when", title: t("history.when"), from: "sm", cell: (line) => <span className="whitespace-nowrap text-soft">{moment(line.at)}</span> },
        { name: "tokens", title: t("history.tokens"), from: "lg", cell: (line) => <span className="text-soft">{line.usage && <Kinds usage={line.usage} />}</span> },
        {
          name: "amount",
          title: t("history.amount"),
          figure: true,
          cell: (line) => (
            <>
              <span className="font-medium">{line.amount.shown}</span>
              {line.kind === "use" && <span className="block text-xs text-soft">{t("history.paidAbove", { amount: line.charge.shown })}</span>}
            </>
          ),
        },
        { name: "after", title: t("history.after"), figure: true, from: "sm", cell: (line) => <span className="text-soft">{line.balance_after.shown}</span> },
      ]}
    />
  );
}
