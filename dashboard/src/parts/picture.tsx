// The picture of a chart, drawn by uPlot on a canvas in the colours of the page; what is pointed at is said in words.
import { useEffect, useReducer, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { HEIGHT, type Drawn, type Series } from "./chart";

interface PictureProps extends Required<Omit<Drawn, "say" | "series">> {
  series: readonly Required<Series>[];
  say: Drawn["say"];
}

/** About how wide a sign of an axis is, and what stands around them. */
const SIGN_PX = 7;
const GAP_PX = 18;

/** Says what stands at a place: each series in its colour, with the API's own figure. */
function said(place: string, series: PictureProps["series"], at: number): Node[] {
  const head = document.createElement("p");
  head.textContent = place;
  head.className = "font-medium";
  const lines = series.map(({ title, tone, points }) => {
    const line = document.createElement("p");
    const dot = document.createElement("span");
    const figure = document.createElement("span");
    line.className = "flex items-center gap-1.5 text-soft";
    dot.className = "size-2 shrink-0 rounded-sm";
    dot.style.background = `var(--${tone})`;
    figure.className = "ml-auto pl-3 text-ink";
    figure.textContent = points[at]?.shown ?? "";
    line.append(dot, title, figure);
    return line;
  });
  return [head, ...lines];
}

/** Has the words beside a chart follow what is pointed at in it. */
function pointing(tip: HTMLElement, places: readonly string[], series: PictureProps["series"]) {
  return ({ cursor: { idx, left = -1 }, bbox, width }: uPlot) => {
    const place = idx === undefined || idx === null ? undefined : places[idx];
    tip.hidden = left < 0 || place === undefined;
    if (tip.hidden || idx === undefined || idx === null || place === undefined) return;
    tip.replaceChildren(...said(place, series, idx));
    const at = bbox.left / devicePixelRatio + left;
    // It stands where there is more room.
    Object.assign(tip.style, at < width / 2 ? { left: `${at + 12}px`, right: "auto" } : { left: "auto", right: `${width - at + 12}px` });
  };
}

function colour(tone: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`);
}

export default function Picture({ title, places, series, say, kind }: PictureProps) {
  const { i18n } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const words = useRef<HTMLDivElement>(null);
  const [, drawAgain] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const themed = new MutationObserver(drawAgain);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => themed.disconnect();
  }, []);
  useEffect(() => {
    const [root, tip] = [place.current, words.current];
    if (!root || !tip) return;
    const short = new Intl.NumberFormat(i18n.language, { notation: "compact" });
    const told = say ?? ((value: number) => short.format(value));
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    const bars = uPlot.paths.bars?.({ size: [0.7, 48], radius: 0.15 });
    const drawn = (width: number): uPlot.Options => ({
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      hooks: { setCursor: [pointing(tip, places, kind === "stack" ? series.toReversed() : series)] },
      scales: { x: { time: false, range: [-0.6, places.length - 0.4] }, y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, size: 32, grid: { show: false }, incrs: [1, 2, 5, 7, 14, 30, 60, 90], values: (_, at) => at.map((one) => places[one] ?? "") },
        { ...axis, size: (_, values) => GAP_PX + SIGN_PX * Math.max(2, ...(values ?? []).map((one) => one.length)), values: (_, at) => at.map(told) },
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
  return (
    <div className="relative">
      <div ref={place} role="img" aria-label={title} className="min-w-0 overflow-hidden" />
      {/* For who points; everybody else has the table. */}
      <div ref={words} hidden aria-hidden className="pointer-events-none absolute top-2 z-10 max-w-60 rounded-lg border border-line bg-panel px-3 py-2 text-xs shadow-lg" />
    </div>
  );
}
