// The journal of an account, each line of it explained; an operator gives back what a call cost.
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Account, JournalEntry } from "../../../api";
import { listEntriesInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { Choice } from "../../../parts/choice";
import { useMoment } from "../../../parts/date";
import { Download } from "../../../parts/download";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More, Table } from "../../../parts/table";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { Entry } from "../../history/entry";
import { VIEWS, type View } from "../../history/filters";
import { Refunding } from "./credit-acts";
import { forActing, Part } from "./part";
import "../../../words/history";

const PAGE = 50;

export function Journal({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [view, setView] = useState<View>("all");
  const [open, setOpen] = useState<number | null>(null);
  const [refunded, setRefunded] = useState<JournalEntry | null>(null);
  const asked = { path: { ref: account.ref }, query: { kind: [...VIEWS[view]], limit: PAGE } };
  const pages = usePages(listEntriesInfiniteOptions(asked));
  const kinds = new URLSearchParams(VIEWS[view].map((kind) => ["kind", kind]));
  const aside = (
    <div className="flex flex-wrap gap-2">
      <Choice
        label={t("form.show")}
        value={view}
        onChange={setView}
        options={(Object.keys(VIEWS) as View[]).map((value) => ({ value, title: t(`history.view.${value}`) }))}
      />
      <Download href={`/api/v1/accounts/${encodeURIComponent(account.ref)}/entries.csv?${kinds}`} />
    </div>
  );
  return (
    <Part title={t("history.lines")} aside={aside}>
      <Answer of={pages} rows={6}>
        {(lines) => {
          if (lines.length === 0 && !pages.hasNextPage) return <Empty>{t(view === "all" ? "history.none" : "history.noneSuch")}</Empty>;
          return <Lines lines={lines} onOpen={setOpen} onRefund={setRefunded} />;
        }}
      </Answer>
      <More of={pages} />
      {open !== null && <Entry account={account.ref} seq={open} onClose={() => setOpen(null)} />}
      {refunded && <Refunding account={account.ref} charge={refunded} onClose={() => setRefunded(null)} />}
    </Part>
  );
}

interface LinesProps {
  lines: JournalEntry[];
  onOpen: (seq: number) => void;
  onRefund: (entry: JournalEntry) => void;
}

function Lines({ lines, onOpen, onRefund }: LinesProps) {
  const { t } = useTranslation();
  const moment = useMoment();
  const acts = may(useMe(), "operator");
  return (
    <Table
      caption={t("history.lines")}
      rows={lines}
      keyOf={(line) => line.seq}
      columns={forActing<JournalEntry>(acts, [
        {
          name: "what",
          title: t("history.what"),
          cell: (line) => (
            <>
              <button type="button" onClick={() => onOpen(line.seq)} className="text-left font-medium underline decoration-line underline-offset-4 hover:decoration-current">
                {t(`kind.${line.kind}`)}
                <span className="sr-only"> ({t("history.open", { seq: line.seq })})</span>
              </button>
              <span className="block text-soft">{[line.model, line.note, line.actor].filter(Boolean).join(" · ")}</span>
            </>
          ),
        },
        { name: "when", title: t("history.when"), cell: (line) => <span className="whitespace-nowrap text-soft">{moment(line.at)}</span> },
        { name: "amount", title: t("history.amount"), figure: true, cell: (line) => <span className="font-medium">{line.amount.shown}</span> },
        { name: "after", title: t("history.after"), figure: true, cell: (line) => <span className="text-soft">{line.balance_after.shown}</span> },
        {
          name: "act",
          title: "",
          figure: true,
          cell: (line) =>
            line.kind === "charge" && Number(line.charge.value) !== 0 && (
              <Button kind="plain" className="min-h-8 px-3" aria-label={`${t("account.refund")}: ${line.charge.shown}, ${moment(line.at)}`} onClick={() => onRefund(line)}>
                {t("account.refund")}
              </Button>
            ),
        },
      ])}
    />
  );
}
