// Accounts as lines of the report: who, what they were given, used and have left, and how they stand.
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { AccountLine } from "../../../api";
import { useCount } from "../../../parts/count";
import { Badge, type Tone } from "../../../parts/figure";
import { Table, type Column } from "../../../parts/table";

/** What a line needs: an account that waits for its balance has no figures. */
export interface Line {
  ref: string;
  name: string;
  email: string;
  plan: string | null;
  state: string | null;
  figures: AccountLine | null;
}

const TONES: Record<AccountLine["level"], Tone> = { normal: "good", buy: "notice", warning: "warn", critical: "bad", blocked: "bad" };

export function placeOf(ref: string): string {
  return `/operator/accounts/${encodeURIComponent(ref)}`;
}

/** How an account stands: the state that it was put in, or else how near its end it is. */
export function Stand({ state, level }: { state: string | null; level: AccountLine["level"] | undefined }) {
  const { t } = useTranslation();
  if (state === null) return <Badge tone="warn">{t("accounts.waits")}</Badge>;
  if (state !== "active" || level === undefined) return <Badge tone={state === "active" ? "good" : "bad"}>{t(`accounts.states.${state}`)}</Badge>;
  return <Badge tone={TONES[level]}>{t(`accounts.levels.${level}`)}</Badge>;
}

export function Lines({ lines, busy }: { lines: readonly Line[]; busy?: boolean }) {
  const { t } = useTranslation();
  const count = useCount();
  const amount = (name: "free" | "bought" | "total" | "used" | "left"): Column<Line> => ({
    name,
    title: t(`accounts.${name}`),
    figure: true,
    cell: ({ figures }) => figures?.[name].shown ?? "–",
  });
  return (
    <div aria-busy={busy} className={busy ? "opacity-60" : ""}>
      <Table
        caption={t("accounts.caption")}
        rows={lines}
        keyOf={(line) => line.ref}
        columns={[
          { name: "account", title: t("accounts.account"), cell: (line) => <Who line={line} /> },
          { name: "state", title: t("accounts.state"), cell: (line) => <Stand state={line.state} level={line.figures?.level} /> },
          amount("free"),
          amount("bought"),
          amount("total"),
          amount("used"),
          { name: "percent", title: t("accounts.percent"), figure: true, cell: ({ figures }) => figures?.used_percent.toFixed(2) ?? "–" },
          amount("left"),
          { name: "turns", title: t("accounts.turns"), figure: true, cell: ({ figures }) => (figures ? count(figures.turns) : "–") },
          { name: "mean", title: t("accounts.mean"), figure: true, cell: ({ figures }) => figures?.mean_per_turn.shown ?? "–" },
        ]}
      />
    </div>
  );
}

function Who({ line }: { line: Line }) {
  const more = [line.name, line.email, line.plan].filter((one) => one && one !== line.ref).join(" · ");
  return (
    <div className="min-w-44">
      <Link to={placeOf(line.ref)} className="font-medium wrap-anywhere text-brand underline-offset-2 hover:underline">
        {line.ref}
      </Link>
      {more && <span className="block text-soft wrap-anywhere">{more}</span>}
    </div>
  );
}
