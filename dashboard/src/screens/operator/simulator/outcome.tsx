// What became of the traffic: the figures of each plan side by side, a picture by day, and for whom it would change.
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Amount, Change, SimulatedPlan, SimulationResult } from "../../../api";
import { Chart } from "../../../parts/chart";
import { Choice } from "../../../parts/choice";
import { useCount } from "../../../parts/count";
import { useDate, useMoment } from "../../../parts/date";
import { Empty } from "../../../parts/problem";
import { Table, type Column } from "../../../parts/table";

export function Outcome({ result }: { result: SimulationResult }) {
  const { t } = useTranslation();
  const count = useCount();
  const date = useDate();
  const names = useNames(result.plans);
  const second = result.plans[1];
  return (
    <div className="space-y-8">
      <p className="text-sm text-soft">
        {t("simulator.ran", { requests: count(result.requests), accounts: count(result.accounts), first: date(result.first_at), last: date(result.last_at) })}
      </p>
      <Compared plans={result.plans} names={names} />
      <Days plans={result.plans} names={names} />
      {second?.change && <Changed change={second.change} />}
      {result.plans.map((plan, nth) => (
        <Blocked key={nth} plan={plan} name={names[nth] ?? plan.plan} />
      ))}
    </div>
  );
}

/** Returns what to call each plan: two versions of one are told apart. */
function useNames(plans: readonly SimulatedPlan[]): string[] {
  const { t } = useTranslation();
  const [first, second] = plans;
  if (plans.length === 2 && first?.plan === second?.plan) return [t("simulator.before", { plan: first?.plan }), t("simulator.after", { plan: second?.plan })];
  return plans.map((one) => one.plan);
}

const COUNTS = ["accounts_blocked", "refused", "allowed", "tokens", "shortened"] as const;

function Compared({ plans, names }: { plans: readonly SimulatedPlan[]; names: readonly string[] }) {
  const { t, i18n } = useTranslation();
  const count = useCount();
  const signed = new Intl.NumberFormat(i18n.language, { signDisplay: "exceptZero" });
  const change = plans[1]?.change;
  const difference = (name: string) => {
    if (!change) return undefined;
    if (name === "charged" || name === "cost") return change[name]?.shown ?? "–";
    return signed.format(change[name as (typeof COUNTS)[number]]);
  };
  const said = (plan: SimulatedPlan, name: string) => {
    if (name === "charged") return plan.charged.shown;
    if (name === "cost") return plan.cost?.shown ?? t("simulator.unknown");
    return count(plan[name as (typeof COUNTS)[number]]);
  };
  const columns: Column<string>[] = [
    { name: "figure", title: t("simulator.figure"), cell: (name) => <span className="block min-w-24 break-keep">{t(`simulator.${name}`)}</span> },
    ...plans.map((plan, nth) => ({ name: `plan-${nth}`, title: names[nth] ?? "", figure: true, cell: (name: string) => said(plan, name) })),
    ...(change ? [{ name: "change", title: t("simulator.change"), figure: true, cell: (name: string) => <strong className="font-medium">{difference(name)}</strong> }] : []),
  ];
  return (
    <div>
      <Table caption={t("simulator.compared")} columns={columns} rows={[...COUNTS, "charged", "cost"]} keyOf={(name) => name} />
      {change && <Moves change={change} />}
    </div>
  );
}

function Moves({ change }: { change: Change }) {
  const { t } = useTranslation();
  const moves = [
    ["newly", change.blocked_newly],
    ["noMore", change.blocked_no_more],
    ["sooner", change.blocked_sooner],
    ["later", change.blocked_later],
  ] as const;
  return (
    <ul className="mt-3 list-inside list-disc text-sm text-soft">
      {moves.filter(([, many]) => many > 0).map(([name, many]) => (
        <li key={name}>{t(`simulator.${name}`, { count: many })}</li>
      ))}
    </ul>
  );
}

const DRAWN = ["accounts_blocked", "refused", "allowed", "charged"] as const;
type Drawn = (typeof DRAWN)[number];

/** The days of every plan on one axis: a day that one of them does not have is empty there. */
function Days({ plans, names }: { plans: readonly SimulatedPlan[]; names: readonly string[] }) {
  const { t } = useTranslation();
  const count = useCount();
  const [drawn, draw] = useState<Drawn>("accounts_blocked");
  const dates = [...new Set(plans.flatMap((plan) => plan.days.map((day) => day.date)))].sort();
  const series = plans.map((plan, nth) => {
    const days = new Map(plan.days.map((day) => [day.date, day]));
    const points = dates.map((date) => {
      const figure: number | Amount | undefined = days.get(date)?.[drawn];
      if (figure === undefined) return { value: 0, shown: "" };
      return typeof figure === "number" ? { value: figure, shown: count(figure) } : { value: Number(figure.value), shown: figure.shown };
    });
    return { title: names[nth] ?? "", tone: nth === 0 ? ("soft" as const) : ("brand" as const), points };
  });
  return (
    <div className="space-y-3">
      <div className="flex">
        <Choice label={t("simulator.show")} value={drawn} onChange={draw} options={DRAWN.map((one) => ({ value: one, title: t(`simulator.${one}`) }))} />
      </div>
      <Chart title={`${t("simulator.picture")}: ${t(`simulator.${drawn}`)}`} places={dates.map((date) => date.slice(5))} series={series} kind="lines" />
    </div>
  );
}

function Changed({ change }: { change: Change }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const when = (at: string | null, times: number) => (at === null ? t("simulator.never") : `${moment(at)} · ${t("simulator.times", { count: times })}`);
  return (
    <section aria-label={t("simulator.who")}>
      <h3 className="mb-3 font-semibold">{t("simulator.who")}</h3>
      {change.accounts.length === 0 ? (
        <Empty>{t("simulator.nobody")}</Empty>
      ) : (
        <Table
          caption={t("simulator.who")}
          rows={change.accounts}
          keyOf={(row) => row.account}
          columns={[
            { name: "account", title: t("simulator.account"), cell: (row) => row.account },
            { name: "was", title: t("simulator.was"), cell: (row) => when(row.refused_at_before, row.refused_before) },
            { name: "would", title: t("simulator.would"), cell: (row) => when(row.refused_at_after, row.refused_after) },
            { name: "charged", title: t("simulator.charged"), figure: true, from: "sm", cell: (row) => `${row.charged_before.shown} → ${row.charged_after.shown}` },
          ]}
        />
      )}
    </section>
  );
}

function Blocked({ plan, name }: { plan: SimulatedPlan; name: string }) {
  const { t, i18n } = useTranslation();
  const moment = useMoment();
  const count = useCount();
  const law = (code: string) => (i18n.exists(`simulator.law.${code}`) ? t(`simulator.law.${code}`) : code);
  const title = t("simulator.blocked", { plan: name });
  return (
    <section aria-label={title}>
      <h3 className="mb-3 font-semibold">{title}</h3>
      {plan.blocked_first.length === 0 ? (
        <Empty>{t("simulator.noneBlocked")}</Empty>
      ) : (
        <Table
          caption={title}
          rows={plan.blocked_first}
          keyOf={(row) => row.account}
          columns={[
            { name: "account", title: t("simulator.account"), cell: (row) => row.account },
            { name: "at", title: t("simulator.at"), cell: (row) => moment(row.first_refused_at) },
            { name: "by", title: t("simulator.by"), cell: (row) => law(row.first_refused_by) },
            { name: "warned", title: t("simulator.warned"), from: "md", cell: (row) => (row.warned_at ? moment(row.warned_at) : t("simulator.notWarned")) },
            { name: "refused", title: t("simulator.refused"), figure: true, cell: (row) => count(row.refused) },
          ]}
        />
      )}
    </section>
  );
}
