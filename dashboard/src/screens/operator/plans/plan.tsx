// One plan: its terms in words, each of its versions, and what that one changed against the one before.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { PlanVersion } from "../../../api";
import { listPlanVersionsOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Back } from "../../../parts/back";
import { Card, Head } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { saysSame, Terms } from "./terms";

export function OnePlan({ name }: { name: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const versions = useQuery(listPlanVersionsOptions({ path: { name } }));
  return (
    <>
      <Back to="/operator/plans">{t("plans.back")}</Back>
      <Head title={name}>
        {may(me, "operator") && (
          <Link to={`/operator/plans/${name}/new`} className="inline-flex min-h-10 items-center rounded-lg bg-brand px-4 text-sm font-medium text-on-brand">
            {t("plans.edit")}
          </Link>
        )}
      </Head>
      <Answer of={versions} rows={6}>
        {({ items }) => <Versions items={items} />}
      </Answer>
    </>
  );
}

function Versions({ items }: { items: readonly PlanVersion[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const [chosen, choose] = useState(0);
  const version = items[chosen];
  const before = items[chosen + 1];
  if (!version) return null;
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[16rem_minmax(0,1fr)]">
      <nav aria-label={t("plans.versions")} className="rounded-card border border-line bg-panel p-2">
        {items.map((one, nth) => (
          <button
            key={one.version}
            type="button"
            aria-current={nth === chosen}
            onClick={() => choose(nth)}
            className="block w-full rounded-lg px-3 py-2 text-left hover:bg-sunk aria-[current=true]:bg-sunk"
          >
            <span className="flex items-center justify-between gap-2 font-medium">
              {t("plans.version", { version: one.version })}
              {nth === 0 && <Badge tone="good">{t("plans.now")}</Badge>}
            </span>
            <span className="block text-sm text-soft">{t("plans.since", { at: moment(one.created_at), actor: one.actor })}</span>
          </button>
        ))}
      </nav>
      <Card title={before ? t("plans.against", { version: before.version }) : t("plans.terms")}>
        {before && saysSame(version.terms, before.terms) && <p className="mb-3 text-soft">{t("plans.same")}</p>}
        <Terms terms={version.terms} before={before?.terms} />
      </Card>
    </div>
  );
}
