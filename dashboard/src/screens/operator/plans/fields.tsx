// The form of a plan: each field by a name that says what it does, grouped by what people ask for.
import { Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "../../../parts/button";
import { List } from "../../../parts/choice";
import { Field } from "../../../parts/field";
import { parted, read, replaced, typed, type Doc } from "./document";

const EVERY = ["minute", "hour", "day", "week", "month", "quarter", "year", "forever"];

type Kind = "text" | "number" | "maybe" | "flag" | "parts" | "maybeParts" | "order" | readonly string[];

const GROUPS: readonly { topic: string; fields: readonly (readonly [string, Kind])[] }[] = [
  { topic: "credit", fields: [["signup.amount", "number"], ["credit.maximum", "maybe"], ["zone", "text"]] },
  { topic: "spend", fields: [["spend.order", "order"]] },
  { topic: "price", fields: [["rate.by", ["tokens", "rates"]], ["rate.multiplier", "number"], ["rate.minimum", "number"], ["rate.discount", "number"]] },
  {
    topic: "stop",
    fields: [
      ["stop.buy", "number"], ["stop.warn", "number"], ["stop.critical", "number"], ["stop.block", "number"],
      ["stop.status", ["402", "429"]], ["stop.code", "text"], ["stop.debt", ["carry", "forgive"]],
    ],
  },
  { topic: "models", fields: [["models.allow", "parts"], ["models.unknown", ["refuse", "default-rate"]]] },
  {
    topic: "call",
    fields: [
      ["reserve.how", ["worst-case", "expected", "none"]], ["reserve.cap_output", "flag"], ["call.output", "number"],
      ["call.on_disconnect", ["charge-delivered", "drain", "free-if-nothing"]], ["call.stop_stream", "flag"],
      ["reserve.lapse_after", "text"], ["reserve.on_lapse", ["release", "charge-input"]],
    ],
  },
  { topic: "notify", fields: [["notify.levels", "maybeParts"]] },
];

interface Props {
  document: Doc;
  onChange: (document: Doc) => void;
  /** The field that the API refuses, and why. */
  wrong: { field: string; problem: string } | null;
}

export function Fields({ document, onChange, wrong }: Props) {
  const { t } = useTranslation();
  const problemOf = (path: string) => (wrong?.field === path ? wrong.problem : undefined);
  const field = (path: string, kind: Kind) => (
    <One key={path} path={path} kind={kind} value={read(document, path)} problem={problemOf(path)} onChange={(value) => onChange(replaced(document, path, value))} />
  );
  return (
    <div className="space-y-8">
      <Group title={t("plans.terms")}>
        {field("name", "text")}
        {field("title", "text")}
      </Group>
      {GROUPS.map(({ topic, fields }) => (
        <Group key={topic} title={t(`plans.topic.${topic}`)}>
          {fields.map(([path, kind]) => field(path, kind))}
          {topic === "credit" && <Rows path="allowance" document={document} onChange={onChange} wrong={wrong} columns={ALLOWANCE} fresh={{ amount: 1, every: "month" }} />}
          {topic === "stop" && <Rows path="limit" document={document} onChange={onChange} wrong={wrong} columns={LIMIT} fresh={{ what: "requests", amount: 60, every: "minute" }} />}
        </Group>
      ))}
    </div>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset>
      <legend className="mb-3 font-semibold">{title}</legend>
      <div className="grid items-end gap-4 sm:grid-cols-2">{children}</div>
    </fieldset>
  );
}

interface OneProps {
  path: string;
  kind: Kind;
  value: unknown;
  problem: string | undefined;
  onChange: (value: unknown) => void;
}

function One({ path, kind, value, problem, onChange }: OneProps) {
  const { t } = useTranslation();
  const label = t(`plans.field.${path.replace(".", "_")}`);
  if (typeof kind !== "string") {
    const options = kind.map((one) => ({ value: one, title: t(`plans.option.${one}`) }));
    return <List label={label} options={options} value={String(value)} onChange={(one) => onChange(typed(one))} />;
  }
  if (kind === "flag") {
    return (
      <label className="flex min-h-11 items-center gap-3 self-end text-sm font-medium">
        <input type="checkbox" className="size-5 accent-brand" checked={Boolean(value)} onChange={(event) => onChange(event.target.checked)} />
        {label}
      </label>
    );
  }
  const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  return <Typed key={path} label={label} text={text} problem={problem} onText={(next) => onChange(meant(kind, next))} />;
}

/** A line that keeps what was typed as it was typed, while the document has what it means. */
function Typed({ label, text, problem, onText }: { label: string; text: string; problem: string | undefined; onText: (text: string) => void }) {
  return <Field label={label} defaultValue={text} problem={problem} onChange={(event) => onText(event.target.value)} />;
}

function meant(kind: string, text: string): unknown {
  if (kind === "text") return text;
  if (kind === "maybe") return typed(text);
  if (kind === "parts") return parted(text);
  if (kind === "maybeParts") return text.trim() === "" ? null : parted(text);
  if (kind === "order") return text.includes(",") || text.trim() !== "soonest-expiry" ? parted(text) : text.trim();
  return typed(text) ?? 0;
}

const ALLOWANCE: readonly (readonly [string, Kind])[] = [["amount", "number"], ["every", EVERY], ["anchor", ["calendar", "anniversary"]], ["rollover", "number"]];
const LIMIT: readonly (readonly [string, Kind])[] = [["what", ["requests", "tokens", "credit"]], ["amount", "number"], ["every", EVERY], ["per", ["account", "key", "model"]]];

interface RowsProps extends Props {
  path: "allowance" | "limit";
  columns: readonly (readonly [string, Kind])[];
  fresh: Doc;
}

/** What a plan may have several of. */
function Rows({ path, columns, fresh, document, onChange, wrong }: RowsProps) {
  const { t } = useTranslation();
  const rows = (document[path] ?? []) as readonly Doc[];
  const put = (next: readonly Doc[]) => onChange({ ...document, [path]: next });
  return (
    <div role="group" aria-label={t(`plans.${path}s`)} className="space-y-3 sm:col-span-2">
      <p className="text-sm font-medium">{t(`plans.${path}s`)}</p>
      {rows.map((row, nth) => (
        <div key={`${nth}-${rows.length}`} role="group" aria-label={t(`plans.${path}`, { nth: nth + 1 })} className="flex items-end gap-2 rounded-lg bg-sunk p-3">
          <div className="grid min-w-0 flex-1 items-end gap-3 sm:grid-cols-2">
            {columns.map(([name, kind]) => (
              <One
                key={name}
                path={name}
                kind={kind}
                value={row[name] ?? (typeof kind === "string" ? 0 : kind[0])}
                problem={wrong?.field === `${path}[${nth}].${name}` ? wrong.problem : undefined}
                onChange={(value) => put(rows.map((one, at) => (at === nth ? { ...one, [name]: value } : one)))}
              />
            ))}
          </div>
          <Button kind="quiet" className="px-2.5" aria-label={t("plans.remove", { what: t(`plans.${path}`, { nth: nth + 1 }) })} onClick={() => put(rows.filter((_, at) => at !== nth))}>
            <X aria-hidden className="size-4" />
          </Button>
        </div>
      ))}
      <Button kind="plain" aria-label={`${t("plans.add")}: ${t(`plans.${path}s`)}`} onClick={() => put([...rows, fresh])}>
        <Plus aria-hidden className="size-4" />
        {t("plans.add")}
      </Button>
    </div>
  );
}
