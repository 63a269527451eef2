// From what to what: each value that a change touched, the old one struck through and the new one beside it.
import { useTranslation } from "react-i18next";

type Value = unknown;

/** How nothing is written: new things have much of it, which says nothing. */
const NOTHING = ["–", "“”"];

interface Line {
  name: string;
  before: string | undefined;
  after: string | undefined;
}

export function Change({ before, after }: { before: Value; after: Value }) {
  const { t } = useTranslation();
  const lines = differences(before, after);
  if (lines.length === 0) return null;
  return (
    <dl className="grid gap-x-4 gap-y-1 rounded-lg bg-sunk px-3 py-2 text-sm sm:grid-cols-[minmax(6rem,16rem)_minmax(0,1fr)]">
      {lines.map((line) => (
        <div key={line.name} className="contents">
          <dt className="text-soft break-all">{line.name || t("audit.value")}</dt>
          <dd className="min-w-0 wrap-anywhere">
            {line.before !== undefined && (
              <del className="text-bad">
                <span className="sr-only">{t("audit.before")} </span>
                {line.before}
              </del>
            )}
            {line.before !== undefined && line.after !== undefined && " → "}
            {line.after !== undefined && (
              <ins className="text-good no-underline">
                <span className="sr-only">{t("audit.after")} </span>
                {line.after}
              </ins>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Returns what differs, value by value, in the order of the document that has it; what stayed is left out. */
export function differences(before: Value, after: Value): Line[] {
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }))
    .filter((line) => line.before !== line.after && !(line.before === undefined && NOTHING.includes(line.after ?? "")));
}

/** Returns the values of a document by where they stand: `limit.0.amount`. */
function flat(value: Value, place = "", found = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) {
    if (place !== "") found.set(place, "–");
  } else if (typeof value === "object" && Object.keys(value).length > 0) {
    for (const [name, inner] of Object.entries(value)) flat(inner, place === "" ? name : `${place}.${name}`, found);
  } else {
    found.set(place, typeof value === "string" ? value || "“”" : JSON.stringify(value));
  }
  return found;
}
