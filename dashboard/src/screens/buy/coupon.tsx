// A coupon that gives credit: redeemed once, with what came of it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { listOrdersQueryKey, redeemCouponMutation, showBalanceQueryKey } from "../../api/@tanstack/react-query.gen";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Field } from "../../parts/field";
import { newKey } from "../../parts/once";
import { Failed } from "../../parts/problem";
import { useTell } from "../../parts/told";
import { useUnit } from "../../parts/unit";

const MINE = { path: { ref: "me" } };

export function Coupon() {
  const { t } = useTranslation();
  const tell = useTell();
  const unit = useUnit();
  const queries = useQueryClient();
  const [key, setKey] = useState(newKey);
  const [code, setCode] = useState("");
  const redeem = useMutation({
    ...redeemCouponMutation(),
    onSuccess: async ({ credit, replayed }) => {
      setCode("");
      setKey(newKey());
      const amount = `${credit.shown} ${unit(credit.unit)}`;
      tell({ title: replayed ? t("coupon.again") : t("coupon.done", { amount }) });
      await queries.invalidateQueries({ queryKey: showBalanceQueryKey(MINE) });
      await queries.invalidateQueries({ queryKey: listOrdersQueryKey(MINE) });
    },
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    redeem.mutate({ ...MINE, headers: { "Idempotency-Key": key }, body: { code: code.trim() } });
  };
  return (
    <Card title={t("coupon.title")}>
      <form onSubmit={send} className="space-y-3">
        <div className="flex items-end gap-2">
          <div className="min-w-0 flex-1">
            <Field
              label={t("coupon.code")}
              value={code}
              onChange={(event) => {
                setCode(event.target.value);
                setKey(newKey());
                redeem.reset();
              }}
              required
              minLength={4}
              maxLength={100}
              autoComplete="off"
              spellCheck={false}
            />
          </div>
          <Button type="submit" kind="plain" className="min-h-11" disabled={redeem.isPending}>
            {t("coupon.send")}
          </Button>
        </div>
        {redeem.error && <Failed error={redeem.error} />}
      </form>
    </Card>
  );
}
