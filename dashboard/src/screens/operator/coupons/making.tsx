// The window that makes coupons: what they give, how many, for whom and until when; and their codes, to copy or as CSV.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Coupon, NewCoupons } from "../../../api";
import { createCouponsMutation, listPackagesOptions, listPlansOptions } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Choice } from "../../../parts/choice";
import { ToCopy } from "../../../parts/copied";
import { useCount } from "../../../parts/count";
import { useBeginning } from "../../../parts/date";
import { Dialog } from "../../../parts/dialog";
import { Download } from "../../../parts/download";
import { Field } from "../../../parts/field";
import { said } from "../acting";

const KINDS = ["credit", "discount"] as const;
const NUMBERS = ["one", "many"] as const;
const CODES_MAX = 1_000;
const USES_MAX = 2_147_483_647;
const DAYS_MAX = 36_500;
const LINES_SEEN = 10;

export function Making({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const beginning = useBeginning();
  const make = useMutation({ ...createCouponsMutation(), onSuccess: () => queries.invalidateQueries() });
  const [kind, setKind] = useState<(typeof KINDS)[number]>("credit");
  const [number, setNumber] = useState<(typeof NUMBERS)[number]>("one");
  if (make.data) return <Made coupons={make.data.items} onClose={onClose} />;
  const send = (form: FormData) => {
    const [begin, end, uses] = [said(form, "begin"), said(form, "end"), said(form, "uses")];
    const body: NewCoupons = {
      ...(kind === "credit" ? { credit: said(form, "credit"), credit_days: Number(said(form, "days")) } : { discount: `${said(form, "percent")}%` }),
      ...(number === "one" ? { code: said(form, "code") || null } : { count: Number(said(form, "count")) }),
      uses_max: uses ? Number(uses) : null,
      valid_from: begin ? beginning(begin) : null,
      valid_until: end ? beginning(end, true) : null,
      plans: form.getAll("plans").map(String),
      packages: form.getAll("packages").map(String),
      note: said(form, "note"),
    };
    make.mutate({ body });
  };
  return (
    <Act open onClose={onClose} title={t("coupons.make")} lead={t("coupons.makeLead")} verb={t("coupons.make")} does={make} onSend={send}>
      <Choice label={t("coupons.what")} value={kind} onChange={setKind} options={KINDS.map((value) => ({ value, title: t(`coupons.kinds.${value}`) }))} />
      {kind === "credit" ? (
        <div className="grid grid-cols-2 gap-3">
          <Field label={t("coupons.credit")} name="credit" required maxLength={64} inputMode="decimal" autoComplete="off" />
          <Field label={t("coupons.days")} name="days" type="number" min={1} max={DAYS_MAX} hint={t("coupons.daysHint")} />
        </div>
      ) : (
        <Field label={t("coupons.percent")} name="percent" required maxLength={10} inputMode="decimal" autoComplete="off" placeholder="20" />
      )}
      <Choice label={t("coupons.codes")} value={number} onChange={setNumber} options={NUMBERS.map((value) => ({ value, title: t(`coupons.numbers.${value}`) }))} />
      {number === "one" ? (
        <Field label={t("coupons.code")} name="code" minLength={4} maxLength={100} hint={t("coupons.codeHint")} autoComplete="off" placeholder="WELCOME-2026" />
      ) : (
        <Field label={t("coupons.count")} name="count" type="number" required min={1} max={CODES_MAX} defaultValue={10} />
      )}
      <Field label={t("coupons.uses")} name="uses" type="number" min={1} max={USES_MAX} defaultValue={1} hint={t("coupons.usesHint")} />
      <div className="grid grid-cols-2 gap-3">
        <Field label={t("coupons.begin")} name="begin" type="date" />
        <Field label={t("coupons.end")} name="end" type="date" hint={t("coupons.dayHint")} />
      </div>
      <Only />
      <Field label={t("coupons.note")} name="note" required maxLength={1000} hint={t("coupons.noteHint")} autoComplete="off" />
    </Act>
  );
}

/** For whom and for what a coupon is meant, where it is not for all. */
function Only() {
  const { t } = useTranslation();
  const plans = useQuery(listPlansOptions()).data?.items ?? [];
  const packages = useQuery(listPackagesOptions({ query: { all: true } })).data?.items ?? [];
  const groups = [
    { name: "plans", title: t("coupons.plans"), values: plans },
    { name: "packages", title: t("coupons.packages"), values: packages },
  ].filter(({ values }) => values.length > 0);
  return (
    <details className="rounded-lg border border-line px-3 py-2">
      <summary className="cursor-pointer text-sm font-medium">{t("coupons.only")}</summary>
      {groups.map(({ name, title, values }) => (
        <fieldset key={name} className="mt-3">
          <legend className="text-sm text-soft">{title}</legend>
          {values.map((one) => (
            <label key={one.name} className="flex min-h-9 items-center gap-3 text-sm">
              <input type="checkbox" name={name} value={one.name} className="size-5 accent-brand" />
              {one.name}
            </label>
          ))}
        </fieldset>
      ))}
    </details>
  );
}

function Made({ coupons, onClose }: { coupons: readonly Coupon[]; onClose: () => void }) {
  const { t } = useTranslation();
  const count = useCount();
  const codes = coupons.map(({ code }) => code).join("\n");
  return (
    <Dialog open onClose={onClose} title={t("coupons.made", { count: coupons.length, codes: count(coupons.length) })} lead={t("coupons.madeLead")}>
      <Download href={`data:text/csv;charset=utf-8,${encodeURIComponent(`code\n${codes}\n`)}`} name="coupons.csv" className="mb-4 w-full" />
      <ToCopy text={codes} label={t("coupons.list")} rows={Math.min(coupons.length, LINES_SEEN)} onDone={onClose} />
    </Dialog>
  );
}
