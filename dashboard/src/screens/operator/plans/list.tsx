// Every plan in a few words, and the presets that one may begin from.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Plan } from "../../../api";
import { listPlansOptions, listPresetsOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Head } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { Empty } from "../../../parts/problem";
import { may } from "../../../places";
import { useMe } from "../../../session";

/** What stands on a plan's card: what it gives, its price, and where it ends. */
const FIRST = ["credit", "price", "stop"];

export function AllPlans() {
  const { t } = useTranslation();
  const plans = useQuery(listPlansOptions());
  const presets = useQuery(listPresetsOptions());
  return (
    <>
      <Head title={t("nav.plans")}>
        <Link to="/operator/simulator" className="text-sm font-medium text-brand underline">
          {t("plans.try")}
        </Link>
      </Head>
      <p className="-mt-4 mb-6 text-soft">{t("plans.lead")}</p>
      <h2 className="mb-4 text-lg font-semibold tracking-tight">{t("plans.used")}</h2>
      <Answer of={plans} rows={6}>
        {({ items }) => (items.length === 0 ? <Empty>{t("plans.none")}</Empty> : <Cards plans={items} written />)}
      </Answer>
      <h2 className="mt-10 mb-4 text-lg font-semibold tracking-tight">{t("plans.presets")}</h2>
      <Answer of={presets}>
        {({ items }) => <Cards plans={items.filter((one) => !plans.data?.items.some((plan) => plan.name === one.name))} />}
      </Answer>
    </>
  );
}

function Cards({ plans, written }: { plans: readonly Plan[]; written?: boolean }) {
  return (
    <ul className="grid gap-4 lg:grid-cols-2">
      {plans.map((plan) => (
        <OneCard key={plan.name} plan={plan} written={written ?? false} />
      ))}
    </ul>
  );
}

function OneCard({ plan, written }: { plan: Plan; written: boolean }) {
  const { t } = useTranslation();
  const me = useMe();
  const moment = useMoment();
  const link = "text-sm font-medium text-brand underline";
  // The presets stand under a heading of their own.
  const Title = written ? "h2" : "h3";
  return (
    <li className="rounded-card border border-line bg-panel p-5">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
        <Title className="font-semibold">{plan.document.title || plan.name}</Title>
        <Badge>{written ? t("plans.version", { version: plan.version }) : t("plans.unwritten")}</Badge>
      </div>
      <p className="font-mono text-sm text-soft">{plan.name}</p>
      {plan.planned?.map((one) => (
        <p key={one.version} className="mt-2 text-sm text-notice">
          {t("plans.ahead", { version: one.version, at: moment(one.starts_at) })}
        </p>
      ))}
      <ul className="mt-3 space-y-1 text-sm">
        {plan.terms
          .filter((term) => FIRST.includes(term.topic))
          .map((term) => (
            <li key={term.text}>{term.text}</li>
          ))}
      </ul>
      <p className="mt-4 flex flex-wrap gap-x-5 gap-y-2">
        {written && (
          <Link to={`/operator/plans/${plan.name}`} className={link}>
            {t("plans.open", { name: plan.name })}
          </Link>
        )}
        {may(me, "operator") && (
          <Link to={`/operator/plans/${plan.name}/new`} aria-label={written ? `${t("plans.edit")}: ${plan.name}` : undefined} className={link}>
            {written ? t("plans.edit") : t("plans.beginFrom", { name: plan.name })}
          </Link>
        )}
      </p>
    </li>
  );
}
