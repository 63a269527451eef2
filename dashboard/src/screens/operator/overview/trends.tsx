// Use over time, by hour, day or month: what was charged, calls and refusals, and what a token cost.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Curve, Point } from "../../../api";
import { showUsageOverTimeOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Card } from "../../../parts/card";
import { Chart } from "../../../parts/chart";
import { Choice } from "../../../parts/choice";
import { useCount } from "../../../parts/count";
import { usePlace } from "../../../parts/date";
import { useUnit } from "../../../parts/unit";

const LAST = { hour: 48, day: 30, month: 12 } as const;
type Every = keyof typeof LAST;
const WHAT = ["charged", "calls", "price"] as const;
type What = (typeof WHAT)[number];

export function Trends() {
  const { t } = useTranslation();
  const [every, setEvery] = useState<Every>("day");
  const [what, setWhat] = useState<What>("charged");
  const curve = useQuery(showUsageOverTimeOptions({ query: { every, last: LAST[every] } }));
  return (
    <Card title={t("overview.trends.title")}>
      <div className="mb-4 flex flex-wrap gap-3">
        <Choice
          label={t("overview.trends.every")}
          value={every}
          onChange={setEvery}
          options={(Object.keys(LAST) as Every[]).map((one) => ({ value: one, title: t(`overview.trends.${one}`) }))}
        />
        <Choice
          label={t("overview.trends.what")}
          value={what}
          onChange={setWhat}
          options={WHAT.map((one) => ({ value: one, title: t(`overview.trends.${one}`) }))}
        />
      </div>
      <Answer of={curve} rows={6}>
        {(data) => <Drawn curve={data} every={every} what={what} />}
      </Answer>
    </Card>
  );
}

function Drawn({ curve, every, what }: { curve: Curve; every: Every; what: What }) {
  const { t } = useTranslation();
  const count = useCount();
  const place = usePlace(every, curve.time_zone);
  const counted = (one: number | null) => ({ value: one ?? 0, shown: one === null ? "–" : count(one) });
  const unit = useUnit()(curve.points[0]?.charged.unit ?? "");
  const drawn = (draw: (point: Point) => { value: number; shown: string }) => curve.points.map(draw);
  const series = {
    charged: [{ title: t("overview.trends.inUnit", { unit }), points: drawn((one) => ({ value: Number(one.charged.value), shown: one.charged.shown })) }],
    calls: [
      { title: t("overview.trends.allowed"), tone: "good" as const, points: drawn((one) => counted(one.turns)) },
      { title: t("overview.trends.refused"), tone: "bad" as const, points: drawn((one) => counted(one.refused)) },
    ],
    price: [
      {
        title: t("overview.trends.perToken", { unit }),
        points: drawn((one) => ({ value: Number(one.charged_per_token ?? 0), shown: one.charged_per_token ?? "–" })),
      },
    ],
  }[what];
  return (
    <Chart
      key={`${every} ${what}`}
      title={t(`overview.trends.lead.${what}`, { unit })}
      kind={what === "calls" ? "stack" : what === "price" ? "lines" : "bars"}
      places={curve.points.map((one) => place(one.start_at))}
      series={series}
    />
  );
}
