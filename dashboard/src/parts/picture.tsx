// The picture of a chart, drawn by uPlot on a canvas in the colours of the page.
import { useEffect, useReducer, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { HEIGHT, type Drawn, type Series } from "./chart";

interface PictureProps extends Required<Omit<Drawn, "say" | "series">> {
  series: readonly Required<Series>[];
  say: Drawn["say"];
}

function colour(tone: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`);
}

export default function Picture({ title, places, series, say, kind }: PictureProps) {
  const { i18n } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const [, drawAgain] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const themed = new MutationObserver(drawAgain);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => themed.disconnect();
  }, []);
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
        { ...axis, size: 32, grid: { show: false }, incrs: [1, 2, 5, 7, 14, 30, 60, 90], values: (_, at) => at.map((one) => places[one] ?? "") },
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
