// A refund: what it would come to is said before, by the rules that do it; what it came to, after.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { RefundPreview } from "../../../api";
import { previewOrderRefundOptions, refundOrderMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Field } from "../../../parts/field";
import { minorOf } from "../../../parts/minor";
import { said, useDone } from "../acting";
import type { ActProps } from "./ending";

export function Refunding({ order, open, onClose }: ActProps) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const [total, setTotal] = useState("");
  const asked = minorOf(total, order.price.currency);
  const part = asked === null ? {} : { refunded_minor: asked };
  const preview = useQuery({
    ...previewOrderRefundOptions({ path: { order: order.id }, query: part }),
    enabled: open && asked !== undefined,
    retry: false,
  });
  const refund = useMutation({
    ...refundOrderMutation(),
    onSuccess: ({ taken_back: back, money }) =>
      done(
        t("orders.wasRefunded"),
        `${t("orders.wasRefundedLead", { unspent: back.unspent.shown, debt: back.debt.shown, writtenOff: back.written_off.shown })} ${t(money === "given_back" ? "orders.givenBack" : "orders.elsewhere")}`,
      ),
  });
  const send = (form: FormData) => {
    if (asked === undefined) return;
    refund.mutate({
      path: { order: order.id },
      body: { reason: said(form, "reason"), give_back: form.get("give_back") !== null, ...part },
    });
  };
  return (
    <Act open={open} onClose={onClose} title={t("orders.refund")} lead={t("orders.refundLead")} verb={t("orders.refund")} grave why does={refund} onSend={send}>
      {order.price.minor > 0 && (
        <Field
          label={t("orders.total", { currency: order.price.currency })}
          hint={order.refunded.minor > 0 ? t("orders.totalAgain", { refunded: order.refunded.shown }) : t("orders.totalLead")}
          problem={asked === undefined ? t("orders.totalWrong", { currency: order.price.currency }) : undefined}
          inputMode="decimal"
          autoComplete="off"
          value={total}
          onChange={(event) => setTotal(event.target.value)}
        />
      )}
      {asked !== undefined && <Answer of={preview}>{(would) => <Would would={would} />}</Answer>}
    </Act>
  );
}

function Would({ would: { money, taken_back: back, over } }: { would: RefundPreview }) {
  const { t } = useTranslation();
  const lines = [
    ["money", money.shown],
    ["asked", back.asked.shown],
    ["unspent", back.unspent.shown],
    ["debt", back.debt.shown],
    ["writtenOff", back.written_off.shown],
  ] as const;
  return (
    <section aria-label={t("orders.would")} className="rounded-lg bg-sunk p-4 text-sm">
      <dl className="space-y-1.5">
        {lines.map(([name, figure]) => (
          <div key={name} className="flex justify-between gap-4">
            <dt className="text-soft">{t(`orders.${name}`)}</dt>
            <dd className="font-medium">{figure}</dd>
          </div>
        ))}
      </dl>
      {over ? (
        <label className="mt-3 flex items-center gap-3">
          <input type="checkbox" name="give_back" defaultChecked className="size-5 accent-brand" />
          {t("orders.giveBack")}
        </label>
      ) : null}
      <p className="mt-3 text-soft">{t(`orders.over.${over}`)}</p>
    </section>
  );
}
