// Figures over time as a picture (uPlot), and as the table that says the same to who cannot see it.
// The library that draws comes when there is something to draw: no screen waits for it.
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "./button";
import { Table } from "./table";

export interface Series {
  title: string;
  /** One figure for each place on the axis: as drawn, and as said. Both are the API's. */
  points: readonly { value: number; shown: string }[];
  /** One of the colours by meaning. */
  tone?: "brand" | "good" | "notice" | "warn" | "bad" | "soft";
}

export interface Drawn {
  title: string;
  /** What stands below the axis, oldest first. */
  places: readonly string[];
  series: readonly Series[];
  /** Says a figure of the axis; without it, the browser's way for this language. */
  say?: (value: number) => string;
  /** `stack`: the series are parts of a whole, the first at the bottom. */
  kind?: "bars" | "lines" | "stack";
}

/** How tall a picture is, also while it comes. */
export const HEIGHT = 220;

const Picture = lazy(() => import("./picture"));

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

export function Chart({ title, places, series, say, kind = "bars" }: Drawn) {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  const shown = toned(series);
  return (
    <figure>
      <figcaption className="mb-2 flex items-center justify-between gap-2 text-sm text-soft">
        {title}
        <Button kind="quiet" className="min-h-8 shrink-0 px-2 text-xs whitespace-nowrap" onClick={() => setAsTable(!asTable)}>
          {t(asTable ? "form.chart" : "form.table")}
        </Button>
      </figcaption>
      {asTable ? (
        <Table
          caption={title}
          rows={places.map((place, at) => ({ place, at }))}
          keyOf={(row) => row.at}
          columns={[
            { name: "place", title: "", cell: (row) => row.place },
            ...series.map((one) => ({ name: one.title, title: one.title, figure: true, cell: (row: { at: number }) => one.points[row.at]?.shown })),
          ]}
        />
      ) : (
        <Suspense fallback={<div aria-busy style={{ height: HEIGHT }} />}>
          <Picture title={title} places={places} series={kind === "stack" ? stacked(shown) : shown} say={say} kind={kind} />
        </Suspense>
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
