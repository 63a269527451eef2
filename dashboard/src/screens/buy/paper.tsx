// A receipt as it is printed: who sold what to whom, for how much, and what of it was given back.
import { useQuery } from "@tanstack/react-query";
import { Printer } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { SalesReceipt } from "../../api";
import { showOrderReceiptOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { useMoment } from "../../parts/date";

export function Paper({ order, state }: { order: string; state: string }) {
  const { i18n } = useTranslation();
  const language = i18n.language === "ko" ? "ko" : "en";
  const { queryKey, ...options } = showOrderReceiptOptions({ path: { ref: "me", order }, query: { language } });
  // A refund makes another one of it.
  const receipt = useQuery({ ...options, queryKey: [...queryKey, state] as unknown as typeof queryKey });
  return <Answer of={receipt} rows={6}>{(data) => <Sheet receipt={data} />}</Answer>;
}

function Sheet({ receipt }: { receipt: SalesReceipt }) {
  const { t, i18n } = useTranslation();
  const moment = useMoment();
  const way = `buy.way.${receipt.paid_over}`;
  const refunded = receipt.refunded_at !== null;
  return (
    <article aria-labelledby="receipt" className="rounded-card border border-line bg-panel p-5 sm:p-8 print:border-0 print:p-0">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="receipt" className="text-xl font-semibold tracking-tight">
          {receipt.title}
        </h2>
        <Button kind="plain" className="print:hidden" onClick={() => window.print()}>
          <Printer aria-hidden className="size-4" />
          {t("receipt.print")}
        </Button>
      </div>
      <dl className="mt-5 grid gap-x-8 gap-y-3 text-sm sm:grid-cols-2 print:grid-cols-2">
        <Fact name="number">{receipt.number}</Fact>
        <Fact name="issued">{moment(receipt.issued_at)}</Fact>
        {receipt.seller && <Fact name="seller">{receipt.seller}</Fact>}
        <Fact name="buyer">{receipt.buyer}</Fact>
        <Fact name="account">{receipt.account}</Fact>
        <Fact name="order">{receipt.order}</Fact>
      </dl>
      <div tabIndex={0} role="region" aria-label={receipt.title} className="mt-6 overflow-x-auto">
        <table className="w-full text-sm">
          <thead className="border-b border-line text-left text-soft">
            <tr>
              <th scope="col" className="py-2 pr-4 font-medium">{t("receipt.text")}</th>
              <th scope="col" className="py-2 pr-4 text-right font-medium">{t("receipt.quantity")}</th>
              <th scope="col" className="py-2 pr-4 text-right font-medium">{t("receipt.unitPrice")}</th>
              <th scope="col" className="py-2 text-right font-medium">{t("receipt.amount")}</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {receipt.lines.map((line, place) => (
              <tr key={place}>
                <td className="min-w-32 py-2 pr-4 align-top wrap-anywhere">{line.text}</td>
                <td className="py-2 pr-4 text-right align-top">{line.quantity}</td>
                <td className="py-2 pr-4 text-right align-top whitespace-nowrap">{line.unit_price.shown}</td>
                <td className="py-2 text-right align-top whitespace-nowrap">{line.amount.shown}</td>
              </tr>
            ))}
          </tbody>
          <tfoot className="border-t-2 border-ink">
            <Sum title={t("receipt.total")} strong>{receipt.total.shown}</Sum>
            {refunded && <Sum title={t("receipt.refunded")}>{receipt.refunded.shown}</Sum>}
          </tfoot>
        </table>
      </div>
      <dl className="mt-6 grid gap-x-8 gap-y-3 text-sm sm:grid-cols-2 print:grid-cols-2">
        <Fact name="credit">{receipt.credit}</Fact>
        {receipt.refunded_at !== null && <Fact name="refundedAt">{moment(receipt.refunded_at)}</Fact>}
        {receipt.paid_over && <Fact name="paidOver">{i18n.exists(way) ? t(way) : receipt.paid_over}</Fact>}
        {receipt.payment && <Fact name="payment">{receipt.payment}</Fact>}
      </dl>
    </article>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <div className="min-w-0">
      <dt className="text-soft">{t(`receipt.${name}`)}</dt>
      <dd className="wrap-anywhere">{children}</dd>
    </div>
  );
}

function Sum({ title, children, strong = false }: { title: string; children: ReactNode; strong?: boolean }) {
  return (
    <tr className={strong ? "text-base font-semibold" : "text-soft"}>
      <th scope="row" colSpan={3} className="py-2 pr-4 text-left font-[inherit]">{title}</th>
      <td className="py-2 text-right whitespace-nowrap">{children}</td>
    </tr>
  );
}
