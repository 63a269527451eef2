// The rates that hold now, the house's own first; each leads to its model's history.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Rate } from "../../../api";
import { listRatesInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { List } from "../../../parts/choice";
import { useDate } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { Search } from "../../../parts/search";
import { More, Table } from "../../../parts/table";
import { Prices } from "./prices";

export function InForce() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [layer, setLayer] = useState("");
  const query = { limit: 50, text, ...(layer === "own" || layer === "listed" ? { layer: layer as "own" | "listed" } : {}) };
  const rates = usePages(listRatesInfiniteOptions({ query }), { placeholderData: (before) => before });
  return (
    <>
      <div className="mb-6 grid gap-3 sm:grid-cols-[2fr_1fr]">
        <Search label={t("rates.search")} value={text} maxLength={200} onRest={setText} />
        <List
          label={t("rates.layer")}
          value={layer}
          onChange={setLayer}
          options={[
            { value: "", title: t("form.all") },
            { value: "own", title: t("rates.layers.own") },
            { value: "listed", title: t("rates.layers.listed") },
          ]}
        />
      </div>
      <Answer of={rates} rows={6}>
        {(rates) => <Lines rates={rates} />}
      </Answer>
      <More of={rates} />
    </>
  );
}

function Lines({ rates }: { rates: readonly Rate[] }) {
  const { t } = useTranslation();
  const date = useDate();
  if (rates.length === 0) return <Empty>{t("rates.none")}</Empty>;
  return (
    <Table
      caption={t("rates.tabs.now")}
      rows={rates}
      keyOf={(row) => `${row.listed}-${row.model}`}
      columns={[
        {
          name: "model",
          title: t("rates.model"),
          cell: (row) => (
            <Link to={`?model=${encodeURIComponent(row.model.replace(/\*$/, ""))}`} aria-label={t("rates.open", { model: row.model })} className="font-mono text-brand underline">
              {row.model}
            </Link>
          ),
        },
        { name: "prices", title: t("rates.prices"), cell: (row) => <Prices rate={row} /> },
        { name: "layer", title: t("rates.layer"), cell: (row) => <Badge tone={row.listed ? "plain" : "notice"}>{t(`rates.layers.${row.listed ? "listed" : "own"}`)}</Badge> },
        { name: "since", title: t("rates.since"), from: "md", cell: (row) => (row.starts_at ? date(row.starts_at) : t("rates.always")) },
        { name: "version", title: t("rates.version"), from: "md", figure: true, cell: (row) => row.version },
      ]}
    />
  );
}
