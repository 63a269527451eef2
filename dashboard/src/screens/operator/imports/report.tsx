// What an import would change, or has: how many lines of each kind, and those that cannot be imported, with why.
import { useTranslation } from "react-i18next";

import type { ImportReport } from "../../../api";
import { useCount } from "../../../parts/count";
import { Figure, Figures } from "../../../parts/figure";
import { Table } from "../../../parts/table";

export function Report({ title, found }: { title: string; found: ImportReport }) {
  const { t } = useTranslation();
  const count = useCount();
  const differing = found.differing > 0 ? t("imports.differing", { count: found.differing, shown: count(found.differing) }) : t("imports.unchangedNote");
  return (
    <section aria-labelledby="report" className="space-y-4">
      <h2 id="report" className="text-lg font-semibold">
        {title}
      </h2>
      <Figures>
        <Figure title={t("imports.rows")}>{count(found.rows)}</Figure>
        <Figure title={t("imports.fresh")} note={t("imports.freshNote")}>
          {count(found.new)}
        </Figure>
        {found.changed > 0 && (
          <Figure title={t("imports.changed")} note={t("imports.changedNote")}>
            {count(found.changed)}
          </Figure>
        )}
        <Figure title={t("imports.unchanged")} note={differing}>
          {count(found.unchanged)}
        </Figure>
        <Figure title={t("imports.refused")} note={t("imports.refusedNote")}>
          <span className={found.refused > 0 ? "text-bad" : ""}>{count(found.refused)}</span>
        </Figure>
      </Figures>
      {found.lines.length > 0 && <Refused found={found} />}
    </section>
  );
}

function Refused({ found }: { found: ImportReport }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <div>
      <h3 className="mb-2 font-medium">{t("imports.lines")}</h3>
      <Table
        caption={t("imports.lines")}
        rows={found.lines.map((one, nth) => ({ ...one, nth }))}
        keyOf={(one) => one.nth}
        columns={[
          { name: "line", title: t("imports.line"), figure: true, cell: (one) => count(one.line) },
          { name: "column", title: t("imports.column"), cell: (one) => <code className="block min-w-16 font-mono text-xs wrap-anywhere">{one.column === "-" ? "–" : one.column}</code> },
          { name: "problem", title: t("imports.problem"), cell: (one) => <span className="block min-w-56 wrap-anywhere">{one.problem}</span> },
        ]}
      />
      {found.refused > found.lines.length && <p className="mt-2 text-sm text-soft">{t("imports.first", { shown: count(found.lines.length), all: count(found.refused) })}</p>}
    </div>
  );
}
