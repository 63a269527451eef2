// What of the history is shown: which kind of lines, of when, of which model, by which key.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Key } from "../../api";
import { showAccountUsageOptions } from "../../api/@tanstack/react-query.gen";
import { List } from "../../parts/choice";
import { Field } from "../../parts/field";
import { RANGES, type Wanted } from "./filters";

const MODELS = { path: { ref: "me" }, query: { every: "month", last: 60, by: "model" } } as const;

interface Props {
  wanted: Wanted;
  onChange: (change: Record<string, string>) => void;
  keys: readonly Key[];
}

export function FilterBar({ wanted, onChange, keys }: Props) {
  const { t } = useTranslation();
  const models = useQuery(showAccountUsageOptions(MODELS)).data?.parts.map((part) => part.model ?? "") ?? [];
  return (
    <div role="group" aria-label={t("history.filters")} className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,11rem),1fr))] gap-3">
      <List
        label={t("history.range")}
        value={wanted.range}
        onChange={(range) => onChange({ range })}
        options={RANGES.map((one) => ({ value: one, title: t(`history.ranges.${one}`) }))}
      />
      {wanted.range === "own" && (
        <>
          <Field label={t("form.from")} type="date" value={wanted.from} max={wanted.until} onChange={(event) => onChange({ from: event.target.value })} />
          <Field label={t("form.until")} type="date" value={wanted.until} min={wanted.from} onChange={(event) => onChange({ until: event.target.value })} />
        </>
      )}
      <List
        label={t("history.model")}
        value={wanted.model}
        onChange={(model) => onChange({ model })}
        options={[{ value: "", title: t("form.all") }, ...named([...models, wanted.model])]}
      />
      <List
        label={t("history.key")}
        value={wanted.apiKey}
        onChange={(key) => onChange({ key })}
        options={[
          { value: "", title: t("form.all") },
          ...named([...keys.map((one) => one.prefix), wanted.apiKey], (prefix) => nameOfKey(keys, prefix)),
        ]}
      />
    </div>
  );
}

/** What a person calls a key: its name, and the part of it that they know. */
export function nameOfKey(keys: readonly Key[], prefix: string): string {
  const name = keys.find((one) => one.prefix === prefix)?.name;
  return name ? `${name} (${prefix}…)` : `${prefix}…`;
}

function named(values: readonly string[], title: (value: string) => string = (value) => value) {
  return [...new Set(values)].filter(Boolean).map((value) => ({ value, title: title(value) }));
}
