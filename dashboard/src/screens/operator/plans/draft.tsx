// A new version of a plan: written in a form or as JSON, read back in words, tried on real traffic, and published.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { writePlan, type Plan, type PlanDocument } from "../../../api";
import { listPlansOptions, listPresetsOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Back } from "../../../parts/back";
import { Button } from "../../../parts/button";
import { Card, Head } from "../../../parts/card";
import { Choice } from "../../../parts/choice";
import { Empty, Failed, isProblem } from "../../../parts/problem";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { Tried } from "../simulator/tried";
import { forget, keep, kept, type Doc } from "./document";
import { Fields } from "./fields";
import { Publishing } from "./publishing";
import { saysSame, Terms } from "./terms";

export function Draft({ name }: { name: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const plans = useQuery(listPlansOptions());
  const presets = useQuery(listPresetsOptions());
  const written = plans.data?.items.find((one) => one.name === name);
  const from = written ?? presets.data?.items.find((one) => one.name === name);
  if (!may(me, "operator")) return <Empty>{t("plans.draftOnly")}</Empty>;
  return (
    <>
      <Back to="/operator/plans">{t("plans.back")}</Back>
      <Head title={t("plans.draft", { name })} />
      <Answer of={plans} rows={8}>
        {() => <Answer of={presets}>{() => (from ? <Writing key={from.version} name={name} from={from} inForce={written} /> : <Empty>{t("state.missing")}</Empty>)}</Answer>}
      </Answer>
    </>
  );
}

function Writing({ name, from, inForce }: { name: string; from: Plan; inForce: Plan | undefined }) {
  const { t } = useTranslation();
  const first = from.document as unknown as Doc;
  const [document, setDocument] = useState<Doc>(() => kept(name)?.document ?? first);
  const [begun, setBegun] = useState(0);
  const [publishing, setPublishing] = useState(false);
  const change = (next: Doc) => {
    keep(name, { document: next, from: kept(name)?.from ?? from.version });
    setDocument(next);
  };
  const discard = () => {
    forget(name);
    setDocument(first);
    setBegun(begun + 1);
  };
  const reading = useQuery({
    queryKey: ["plan-draft", document],
    queryFn: async () => (await writePlan({ body: { document: document as unknown as PlanDocument, dry_run: true, reason: "draft" }, throwOnError: true })).data,
    placeholderData: (before) => before,
    retry: false,
  });
  const refused = reading.isError && isProblem(reading.error) ? reading.error : null;
  const wrong = refused ? { field: String((refused as unknown as { field?: string }).field ?? ""), problem: refused.detail } : null;
  const overtaken = inForce !== undefined && (kept(name)?.from ?? inForce.version) !== inForce.version;
  const same = Boolean(inForce && reading.data && !refused && saysSame(reading.data.terms, inForce.terms));
  return (
    <div className="grid items-start gap-6 lg:grid-cols-2">
      <div className="min-w-0 rounded-card border border-line bg-panel p-5 sm:p-6">
        {overtaken && (
          <p role="status" className="mb-4 rounded-lg border border-warn bg-warn/10 px-3 py-2 text-sm">
            {t("plans.overtaken", { version: inForce.version })}
          </p>
        )}
        <Written key={begun} document={document} onChange={change} wrong={wrong} />
        <div className="mt-8 flex flex-wrap gap-2">
          <Button disabled={refused !== null || reading.data === undefined} onClick={() => setPublishing(true)}>
            {t("plans.publish")}
          </Button>
          <Button kind="plain" onClick={discard}>
            {t("plans.discard")}
          </Button>
        </div>
      </div>
      <div role="group" aria-label={t("plans.check")} tabIndex={0} className="min-w-0 lg:sticky lg:top-20 lg:max-h-[calc(100dvh-6rem)] lg:overflow-y-auto">
        <Card title={t("plans.check")}>
          {reading.error ? <Failed error={reading.error} /> : null}
          {same && <p className="mb-3 text-soft">{t("plans.unchanged")}</p>}
          {reading.data && !reading.error && <Terms terms={reading.data.terms} before={inForce?.terms} />}
        </Card>
      </div>
      <div className="min-w-0 lg:col-span-2">
        <Card title={t("plans.what")}>
          <p className="mb-4 text-sm text-soft">{t("plans.whatLead")}</p>
          <Tried document={document} against={inForce?.name} ready={refused === null} />
        </Card>
      </div>
      {publishing && (
        <Publishing onClose={() => setPublishing(false)} name={name} document={document} zone={reading.data?.document.zone ?? "UTC"} inForce={inForce} />
      )}
    </div>
  );
}

/** The document in the form, or as text; what is no JSON yet does not get out. */
function Written(props: { document: Doc; onChange: (document: Doc) => void; wrong: { field: string; problem: string } | null }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<"form" | "text">("form");
  const ways = [
    { value: "form", title: t("plans.asForm") },
    { value: "text", title: t("plans.asText") },
  ] as const;
  return (
    <>
      <div className="mb-6 flex">
        <Choice label={t("plans.way")} options={ways} value={way} onChange={setWay} />
      </div>
      {way === "form" ? <Fields {...props} /> : <AsText {...props} />}
    </>
  );
}

function AsText({ document, onChange }: { document: Doc; onChange: (document: Doc) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(() => JSON.stringify(document, null, 2));
  const [problem, setProblem] = useState("");
  const type = (next: string) => {
    setText(next);
    try {
      onChange(JSON.parse(next) as Doc);
      setProblem("");
    } catch (trouble) {
      setProblem(t("plans.noJson", { problem: trouble instanceof Error ? trouble.message : "" }));
    }
  };
  return (
    <label className="block text-sm font-medium">
      {t("plans.text")}
      <textarea
        value={text}
        spellCheck={false}
        rows={28}
        aria-invalid={problem !== ""}
        onChange={(event) => type(event.target.value)}
        className="mt-1 w-full rounded-lg border border-line bg-panel p-3 font-mono text-sm font-normal aria-invalid:border-bad"
      />
      <span role="status" className="text-bad">
        {problem}
      </span>
    </label>
  );
}
