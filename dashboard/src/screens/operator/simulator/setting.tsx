// What is to be simulated: whose traffic, under which plans, and what no record says.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import type { NewSimulation } from "../../../api";
import { listPlansOptions, listPresetsOptions, simulatePlansMutation } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { Choice, List } from "../../../parts/choice";
import { useBeginning } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { Failed } from "../../../parts/problem";
import { said } from "../acting";

type Source = NonNullable<NewSimulation["source"]>;
const SOURCES: readonly Source[] = ["history", "sample", "trace"];

export function Setting() {
  const { t } = useTranslation();
  const plans = useQuery(listPlansOptions());
  const presets = useQuery(listPresetsOptions());
  return (
    <Card title={t("simulator.what")}>
      <p className="mb-4 text-soft">{t("simulator.lead")}</p>
      <Answer of={plans}>
        {({ items: own }) => (
          <Answer of={presets}>
            {({ items }) => <Form own={own.map((one) => one.name)} all={[...new Set([...own, ...items].map((one) => one.name))]} />}
          </Answer>
        )}
      </Answer>
    </Card>
  );
}

function Form({ own, all }: { own: readonly string[]; all: readonly string[] }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const begins = useBeginning();
  const [source, choose] = useState<Source>("history");
  const start = useMutation({ ...simulatePlansMutation(), onSuccess: (begun) => void go(`/operator/simulator/${begun.id}`) });
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const file = form.get("trace");
    const [since, until] = [said(form, "since"), said(form, "until")];
    start.mutate({
      body: {
        source,
        plans: [form.get("first"), form.get("second")].map(String).filter((one) => one !== ""),
        grant: String(form.get("grant")),
        output_cap: Number(form.get("output_cap")),
        scale: String(form.get("scale")),
        one_account: form.get("one_account") !== null,
        ...(source === "trace" && file instanceof File ? { trace: await file.text() } : {}),
        ...(source === "history" ? { since: since ? begins(since) : null, until: until ? begins(until, true) : null, of_plan: said(form, "of_plan") || null } : {}),
      },
    });
  };
  const named = all.map((one) => ({ value: one, title: one }));
  return (
    <form onSubmit={(event) => void send(event)} className="space-y-4">
      <div className="flex">
        <Choice label={t("simulator.what")} value={source} onChange={choose} options={SOURCES.map((one) => ({ value: one, title: t(`simulator.source.${one}`) }))} />
      </div>
      <p className="text-sm text-soft">{t(`simulator.${source}Lead`)}</p>
      <div className="grid gap-4 sm:grid-cols-2">
        {source === "trace" && <Field label={t("simulator.file")} name="trace" type="file" accept=".csv,text/csv" required />}
        {source === "history" && (
          <>
            <Field label={t("simulator.since")} name="since" type="date" />
            <Field label={t("simulator.until")} name="until" type="date" />
            <List
              label={t("simulator.ofPlan")}
              name="of_plan"
              className="sm:col-span-2"
              options={[{ value: "", title: t("simulator.everybody") }, ...own.map((plan) => ({ value: plan, title: t("simulator.of", { plan }) }))]}
            />
          </>
        )}
        <List label={t("simulator.first")} name="first" options={named} />
        <List label={t("simulator.second")} name="second" options={[{ value: "", title: t("simulator.nothing") }, ...named]} />
      </div>
      <details>
        <summary className="cursor-pointer text-sm font-medium text-brand">{t("simulator.assumed")}</summary>
        <div className="mt-3 grid gap-4 sm:grid-cols-2">
          <Field label={t("simulator.grant")} name="grant" defaultValue="0" inputMode="decimal" />
          <Field label={t("simulator.cap")} name="output_cap" type="number" min={1} defaultValue={4096} />
          <Field label={t("simulator.scale")} name="scale" defaultValue="1" inputMode="decimal" />
          <label className="flex min-h-11 items-center gap-3 self-end text-sm">
            <input type="checkbox" name="one_account" className="size-5 accent-brand" />
            {t("simulator.pooled")}
          </label>
        </div>
      </details>
      {start.error && <Failed error={start.error} />}
      <Button type="submit" disabled={start.isPending}>
        {t("simulator.begin")}
      </Button>
    </form>
  );
}
