// What was used, stretch by stretch, as a stack of its models or keys; told in figures that are the API's own.
import { useTranslation } from "react-i18next";

import type { AccountUsage, UsageLine } from "../api";
import { Chart } from "./chart";
import { usePlace } from "./date";
import "../words/usage";

interface Props {
  title: string;
  use: AccountUsage;
  every?: "hour" | "day" | "month";
  /** Says the name of a part: a model, or what a key is called. */
  nameOf: (part: { model: string | null; api_key: string | null }) => string;
}

const NOTHING = { value: 0, shown: "0" };

export function UseChart({ title, use, every = "day", nameOf }: Props) {
  const { i18n } = useTranslation();
  const at = usePlace(every, use.time_zone);
  // Five years are asked for where somebody wants to see all; they begin with the first in which something was used.
  const first = every === "month" ? use.starts.findIndex((start) => start === use.items[0]?.start_at) : 0;
  const starts = use.starts.slice(Math.max(first, 0));
  const lines = new Map(use.items.map((one) => [place(one.start_at, one), one]));
  const short = new Intl.NumberFormat(i18n.language, { notation: "compact" });
  return (
    <Chart
      title={title}
      kind="stack"
      places={starts.map(at)}
      say={(value) => short.format(value)}
      series={use.parts.map((part) => ({
        title: nameOf(part),
        points: starts.map((start) => drawn(lines.get(place(start, part)))),
      }))}
    />
  );
}

function place(at: string, part: { model: string | null; api_key: string | null }): string {
  return JSON.stringify([at, part.model, part.api_key]);
}

function drawn(line: UsageLine | undefined) {
  return line ? { value: Number(line.charged.value), shown: line.charged.shown } : NOTHING;
}

/** What an account used by model, or that it used nothing. */
export function ModelChart({ use }: { use: AccountUsage }) {
  const { t } = useTranslation();
  if (use.items.length === 0) return <p className="py-4 text-soft">{t("usage.none")}</p>;
  return (
    <UseChart
      title={t("used.total", { amount: use.total.charged.shown, count: use.total.turns })}
      use={use}
      nameOf={(part) => part.model || t("used.noModel")}
    />
  );
}
