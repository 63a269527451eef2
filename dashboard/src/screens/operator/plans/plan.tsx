// One plan: its terms in words, each of its versions, and what that one changed against the one before.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { PlanVersion } from "../../../api";
import { listPlanVersionsOptions, withdrawPlanVersionMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Back } from "../../../parts/back";
import { Button } from "../../../parts/button";
import { Card, Head } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { said, useDone } from "../acting";
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

const TONES = { in_force: "good", planned: "notice", past: "plain", withdrawn: "plain" } as const;

function Versions({ items }: { items: readonly PlanVersion[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const acts = may(useMe(), "operator");
  const [chosen, choose] = useState<number | null>(null);
  const [calledOff, callOff] = useState<PlanVersion | null>(null);
  const version = items.find((one) => (chosen === null ? one.state === "in_force" : one.version === chosen));
  if (!version) return null;
  const before = items.find((one) => one.version === version.follows);
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[16rem_minmax(0,1fr)]">
      <nav aria-label={t("plans.versions")} className="rounded-card border border-line bg-panel p-2">
        {items.map((one) => (
          <button
            key={one.version}
            type="button"
            aria-current={one === version}
            onClick={() => choose(one.version)}
            className="block w-full rounded-lg px-3 py-2 text-left hover:bg-sunk aria-[current=true]:bg-sunk"
          >
            <span className="flex items-center justify-between gap-2 font-medium">
              {t("plans.version", { version: one.version })}
              {one.state !== "past" && <Badge tone={TONES[one.state]}>{t(`plans.state.${one.state}`)}</Badge>}
            </span>
            <span className="block text-sm text-soft wrap-anywhere">{t("plans.since", { at: moment(one.starts_at), actor: one.actor })}</span>
          </button>
        ))}
      </nav>
      <Card title={before ? t("plans.against", { version: before.version }) : t("plans.terms")}>
        <Fate version={version} />
        {acts && version.state === "planned" && (
          <Button kind="plain" className="mb-4" onClick={() => callOff(version)}>
            {t("plans.callOff")}
          </Button>
        )}
        {before && saysSame(version.terms, before.terms) && <p className="mb-3 text-soft">{t("plans.same")}</p>}
        <Terms terms={version.terms} before={before?.terms} />
      </Card>
      {calledOff && <CallingOff version={calledOff} onClose={() => callOff(null)} />}
    </div>
  );
}

/** What is to become, or became, of a version that was not to hold at once. */
function Fate({ version }: { version: PlanVersion }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const at = moment(version.starts_at);
  if (version.state === "planned") return <p className="mb-4 text-notice">{t("plans.waits", { at })}</p>;
  if (version.withdrawn_at === null) return null;
  return <p className="mb-4 text-soft">{t("plans.gone", { at, when: moment(version.withdrawn_at), actor: version.withdrawn_by })}</p>;
}

function CallingOff({ version, onClose }: { version: PlanVersion; onClose: () => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const done = useDone(onClose);
  const withdraw = useMutation(withdrawPlanVersionMutation());
  const facts = { name: version.name, version: version.version, at: moment(version.starts_at) };
  const send = (form: FormData) =>
    withdraw.mutate(
      { path: { name: version.name, version: version.version }, body: { reason: said(form, "reason") } },
      { onSuccess: () => done(t("plans.calledOff", facts)) },
    );
  return (
    <Act open onClose={onClose} title={t("plans.callOff")} lead={t("plans.callOffLead", facts)} verb={t("plans.callOff")} grave why does={withdraw} onSend={send} />
  );
}
