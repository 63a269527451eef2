// Which file: chosen, or dropped; and how it is to be read, where that is not plain.
import { useMutation, useQuery } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { useState, type DragEvent, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { listPlansOptions, startImportMutation } from "../../../api/@tanstack/react-query.gen";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { List } from "../../../parts/choice";
import { Field } from "../../../parts/field";
import { Failed } from "../../../parts/problem";
import { said } from "../acting";

export function Choosing() {
  const { t } = useTranslation();
  const go = useNavigate();
  const [file, choose] = useState<File | null>(null);
  const start = useMutation({ ...startImportMutation(), onSuccess: (begun) => void go(`/operator/imports/${begun.id}`) });
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (file === null) return;
    const form = new FormData(event.currentTarget);
    const [ref, plan] = [said(form, "ref"), said(form, "plan")];
    start.mutate({ body: file, query: { name: file.name, ...(ref ? { column: [`${ref}=ref`] } : {}), ...(plan ? { plan } : {}) } });
  };
  return (
    <Card title={t("imports.choose")}>
      <p className="text-soft">{t("imports.lead")}</p>
      <p className="mt-2 mb-4 text-sm text-soft">{t("imports.columns")}</p>
      <form onSubmit={send} className="space-y-4">
        <Drop file={file} onFile={choose} />
        <Otherwise />
        {start.error && <Failed error={start.error} />}
        <Button type="submit" disabled={file === null || start.isPending}>
          {start.isPending ? t("form.sending") : t("imports.look")}
        </Button>
      </form>
    </Card>
  );
}

function Drop({ file, onFile }: { file: File | null; onFile: (file: File) => void }) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const first = files?.item(0);
    if (first) onFile(first);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  const dragged = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <label
      onDrop={drop}
      onDragOver={dragged}
      onDragLeave={() => setOver(false)}
      className={`flex cursor-pointer flex-col items-center gap-2 rounded-card border-2 border-dashed px-4 py-8 text-center focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-brand ${over ? "border-brand bg-sunk" : "border-line"}`}
    >
      <FileUp aria-hidden className="size-6 text-brand" />
      <input type="file" accept=".csv,.tsv,.txt,.json,text/csv,application/json" className="sr-only" aria-label={t("imports.file")} onChange={(event) => take(event.target.files)} />
      <span className="max-w-full font-medium wrap-anywhere">{file ? t("imports.chosen", { name: file.name }) : t("imports.drop")}</span>
    </label>
  );
}

function Otherwise() {
  const { t } = useTranslation();
  const plans = useQuery(listPlansOptions()).data?.items ?? [];
  return (
    <details>
      <summary className="cursor-pointer text-sm font-medium text-brand">{t("imports.otherwise")}</summary>
      <div className="mt-3 grid gap-4 sm:grid-cols-2">
        <Field label={t("imports.ref")} name="ref" maxLength={200} hint={t("imports.refHint")} autoComplete="off" />
        <div>
          <List label={t("imports.plan")} name="plan" options={[{ value: "", title: "–" }, ...plans.map(({ name }) => ({ value: name, title: name }))]} />
          <p className="mt-1 text-sm text-soft">{t("imports.planHint")}</p>
        </div>
      </div>
    </details>
  );
}
