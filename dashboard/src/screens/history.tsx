// The journal of an account: what came, what went, and what was left after each line.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { JournalEntry } from "../api";
import { listEntriesInfiniteOptions } from "../api/@tanstack/react-query.gen";
import { Button } from "../parts/button";
import { Head } from "../parts/card";
import { useMoment } from "../parts/date";
import { Empty, Failed, Loading } from "../parts/problem";
import "../words/history";

const VIEWS = {
  all: [],
  used: ["charge", "use", "release", "lapse"],
  given: ["signup", "allowance", "rollover", "grant", "refund", "adjust", "claw_back", "expire"],
} satisfies Record<string, JournalEntry["kind"][]>;
type View = keyof typeof VIEWS;

const PAGE = 50;

export default function History() {
  const { t } = useTranslation();
  const [view, setView] = useState<View>("all");
  const asked = { path: { ref: "me" }, query: { limit: PAGE, kind: VIEWS[view] } };
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    ...listEntriesInfiniteOptions(asked),
    initialPageParam: asked,
    getNextPageParam: (page) => page.next,
  });
  const lines = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Head title={t("nav.history")}>
        <div role="group" aria-label={t("history.show")} className="flex rounded-lg border border-line bg-panel p-0.5">
          {(Object.keys(VIEWS) as View[]).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === view}
              onClick={() => setView(one)}
              className="min-h-9 rounded-md px-3 text-sm text-soft aria-pressed:bg-sunk aria-pressed:text-ink"
            >
              {t(`history.${one}`)}
            </button>
          ))}
        </div>
      </Head>
      {error && !data ? (
        <Failed error={error} again={refetch} />
      ) : !data ? (
        <Loading rows={6} />
      ) : lines.length === 0 ? (
        <Empty>{t("history.none")}</Empty>
      ) : (
        <Lines lines={lines} />
      )}
      {hasNextPage && (
        <Button kind="plain" className="mt-4 w-full" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("history.more")}
        </Button>
      )}
    </>
  );
}

function Lines({ lines }: { lines: JournalEntry[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <div className="overflow-x-auto rounded-card border border-line bg-panel">
      <table className="w-full text-sm">
        <thead className="border-b border-line text-left text-soft">
          <tr>
            <th scope="col" className="px-4 py-3 font-medium">{t("history.when")}</th>
            <th scope="col" className="px-4 py-3 font-medium">{t("history.what")}</th>
            <th scope="col" className="px-4 py-3 text-right font-medium">{t("history.amount")}</th>
            <th scope="col" className="hidden px-4 py-3 text-right font-medium sm:table-cell">{t("history.after")}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {lines.map((line) => (
            <tr key={line.seq}>
              <td className="px-4 py-3 whitespace-nowrap text-soft">{moment(line.at)}</td>
              <td className="px-4 py-3">
                {t(`kind.${line.kind}`)}
                {(line.model || line.note) && <span className="block text-soft">{line.model || line.note}</span>}
              </td>
              <td className="px-4 py-3 text-right font-medium whitespace-nowrap">{line.amount.shown}</td>
              <td className="hidden px-4 py-3 text-right whitespace-nowrap text-soft sm:table-cell">{line.balance_after.shown}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
