// The window in which a package is ordered: how many, how it is paid, and a discount.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import type { Account, Bought, Package, PaidOver } from "../../api";
import { buyPackageMutation, listOrdersQueryKey, showOrderQueryKey } from "../../api/@tanstack/react-query.gen";
import { Act } from "../../parts/act";
import { Field } from "../../parts/field";
import { newKey } from "../../parts/once";
import type { Currency } from "./currency";
import { calledIn } from "./packages";

const QUANTITY_MAX = 10_000;
const MINE = { path: { ref: "me" } };

interface Props {
  one: Package | null;
  currency: Currency;
  ways: readonly PaidOver[];
  account: Account;
  onClose: () => void;
}

export function Ordering({ one, ...rest }: Props) {
  // Each package begins anew: what was typed for another one, and its key, are not its own.
  return one && <Window key={one.name} one={one} {...rest} />;
}

function Window({ one, currency, ways, account, onClose }: Props & { one: Package }) {
  const { t, i18n } = useTranslation();
  const go = useNavigate();
  const queries = useQueryClient();
  const subscribes = one.plan !== "";
  const fitting = ways.filter((way) => way.currencies.includes(currency) && (way.subscriptions || !subscribes));
  const keys = useKeys();
  const buy = useMutation({
    ...buyPackageMutation(),
    onSuccess: async ({ order, checkout }: Bought) => {
      queries.setQueryData(showOrderQueryKey({ path: { ref: "me", order: order.id } }), order);
      void queries.invalidateQueries({ queryKey: listOrdersQueryKey(MINE) });
      // Where paying is another page's work, that page comes at once; all else stands on the order's own.
      if (order.provider === "stripe" && checkout?.url) location.assign(checkout.url);
      else await go(`/buy/${order.id}`);
    },
  });
  const send = (form: FormData) => {
    const body = {
      package: one.name,
      currency,
      provider: String(form.get("provider")) as PaidOver["provider"],
      quantity: subscribes ? 1 : Number(form.get("quantity")),
      coupon: String(form.get("coupon") ?? "").trim(),
    };
    buy.mutate({ ...MINE, headers: { "Idempotency-Key": keys(JSON.stringify(body)) }, body });
  };
  const name = calledIn(i18n.language, one);
  const price = one.prices.find((money) => money.currency === currency)?.shown ?? "";
  const lead = t("buy.orderLead", { price, what: t(subscribes ? "buy.period" : "buy.one") });
  return (
    <Act open onClose={onClose} title={t("buy.orderTitle", { name })} lead={lead} verb={t("buy.order")} does={buy} onSend={send}>
      {account.kind !== "user" && <p className="rounded-lg bg-sunk px-3 py-2 text-sm">{t("buy.shared", { name: account.name || account.ref })}</p>}
      {!subscribes && <Field label={t("buy.quantity")} name="quantity" type="number" inputMode="numeric" min={1} max={QUANTITY_MAX} step={1} defaultValue={1} required />}
      <Ways ways={fitting} />
      {!subscribes && <Field label={t("buy.coupon")} name="coupon" maxLength={100} autoComplete="off" spellCheck={false} />}
    </Act>
  );
}

function Ways({ ways }: { ways: readonly PaidOver[] }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <fieldset>
      <legend className="mb-1 text-sm font-medium">{t("buy.over")}</legend>
      <div className="divide-y divide-line rounded-lg border border-line">
        {ways.map(({ provider }, place) => (
          <label key={provider} htmlFor={`${id}-${provider}`} className="flex min-h-11 items-center gap-3 px-3 text-sm">
            <input id={`${id}-${provider}`} type="radio" name="provider" value={provider} required defaultChecked={place === 0} className="size-4 accent-brand" />
            {t(`buy.way.${provider}`)}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Returns what gives a request its key: the same request, sent again after a failure, is the same order. */
function useKeys(): (request: string) => string {
  const [known] = useState(new Map<string, string>());
  return (request) => {
    const key = known.get(request) ?? newKey();
    known.set(request, key);
    return key;
  };
}
