// Figures over time as a picture (uPlot), and as the table that says the same to who cannot see it.
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { Button } from "./button";
import { Table } from "./table";

export interface Series {
  title: string;
  /** One figure for each place on the axis: as drawn, and as said. Both are the API's. */
  points: readonly { value: number; shown: string }[];
  /** One of the colours by meaning. */
  tone?: "brand" | "good" | "notice" | "warn" | "bad" | "soft";
}

interface Props {
  title: string;
  /** What stands below the axis, oldest first. */
  places: readonly string[];
  series: readonly Series[];
  /** Says a figure of the axis; without it, the browser's way for this language. */
  say?: (value: number) => string;
  kind?: "bars" | "lines";
}

const HEIGHT = 220;

function colour(tone: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`);
}

export function Chart({ title, places, series, say, kind = "bars" }: Props) {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  return (
    <figure>
      <figcaption className="mb-2 flex items-center justify-between gap-2 text-sm text-soft">
        {title}
        <Button kind="quiet" className="min-h-8 px-2 text-xs" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {t(asTable ? "form.chart" : "form.table")}
        </Button>
      </figcaption>
      {asTable ? (
        <Table
          caption={title}
          rows={places.map((place, at) => ({ place, at }))}
          keyOf={(row) => row.place}
          columns={[
            { name: "place", title: "", cell: (row) => row.place },
            ...series.map((one) => ({ name: one.title, title: one.title, figure: true, cell: (row: { at: number }) => one.points[row.at]?.shown })),
          ]}
        />
      ) : (
        <Picture title={title} places={places} series={series} say={say} kind={kind} />
      )}
    </figure>
  );
}

function Picture({ title, places, series, say, kind }: Omit<Props, "say"> & { say: Props["say"] }) {
  const { i18n } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const root = place.current;
    if (!root) return;
    const short = new Intl.NumberFormat(i18n.language, { notation: "compact" });
    const told = say ?? ((value: number) => short.format(value));
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    const bars = uPlot.paths.bars?.({ size: [0.7, 48], radius: 0.15 });
    const drawn = (width: number): uPlot.Options => ({
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, range: (_, low, high) => [low - 0.6, high + 0.6] }, y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, incrs: [1, 2, 5, 7, 14, 30, 60, 90], values: (_, at) => at.map((one) => places[one] ?? "") },
        { ...axis, size: 64, values: (_, at) => at.map(told) },
      ],
      series: [
        {},
        ...series.map(({ title: label, tone = "brand" }) => ({
          label,
          stroke: colour(tone),
          width: kind === "lines" ? 2 : 0,
          ...(kind === "bars" && bars ? { fill: colour(tone), paths: bars } : {}),
          points: { show: kind === "lines" && places.length < 40 },
        })),
      ],
    });
    const chart = new uPlot(drawn(root.clientWidth), [places.map((_, at) => at), ...series.map((one) => one.points.map((point) => point.value))], root);
    const watch = new ResizeObserver(() => chart.setSize({ width: root.clientWidth, height: HEIGHT }));
    watch.observe(root);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  });
  return <div ref={place} role="img" aria-label={title} className="min-w-0 overflow-hidden" />;
}
