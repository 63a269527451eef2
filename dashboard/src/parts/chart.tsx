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
  /** `stack`: the series are parts of a whole, the first at the bottom. */
  kind?: "bars" | "lines" | "stack";
}

const HEIGHT = 220;

const TONES = ["brand", "notice", "warn", "good", "bad", "soft"] as const;

/** Returns each series in a colour of its own, where none was chosen. */
function toned(series: readonly Series[]): Required<Series>[] {
  return series.map((one, nth) => ({ ...one, tone: one.tone ?? TONES[nth % TONES.length] ?? "brand" }));
}

/** Returns how high each part of a stack reaches, the highest first, for what is drawn later covers it. */
function stacked(series: readonly Required<Series>[]): Required<Series>[] {
  const reached: number[] = [];
  return series
    .map((one) => ({
      ...one,
      points: one.points.map((point, at) => ({ ...point, value: (reached[at] = (reached[at] ?? 0) + point.value) })),
    }))
    .reverse();
}

function colour(tone: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`);
}

export function Chart({ title, places, series, say, kind = "bars" }: Props) {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  const shown = toned(series);
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
        <Picture title={title} places={places} series={kind === "stack" ? stacked(shown) : shown} say={say} kind={kind} />
      )}
      {shown.length > 1 && !asTable && (
        <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
          {shown.map((one) => (
            <li key={one.title} className="flex min-w-0 items-center gap-1.5">
              <span aria-hidden className="size-2.5 shrink-0 rounded-sm" style={{ background: `var(--${one.tone})` }} />
              <span className="truncate">{one.title}</span>
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}

interface PictureProps extends Required<Omit<Props, "say" | "series">> {
  series: readonly Required<Series>[];
  say: Props["say"];
}

function Picture({ title, places, series, say, kind }: PictureProps) {
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
        ...series.map(({ title: label, tone }) => ({
          label,
          stroke: colour(tone),
          width: kind === "lines" ? 2 : 0,
          ...(kind !== "lines" && bars ? { fill: colour(tone), paths: bars } : {}),
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
