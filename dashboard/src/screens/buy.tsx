// Buying: what is on sale, in one's own currency; coupons; the subscription; and everything ordered so far.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Account, Package, Packages as Sold } from "../api";
import { listPackagesOptions, showAccountOptions } from "../api/@tanstack/react-query.gen";
import { Answer } from "../parts/answer";
import { Head, Vacant } from "../parts/card";
import { Choice } from "../parts/choice";
import { LIVE_MS } from "../parts/live";
import { Empty } from "../parts/problem";
import { useMe } from "../session";
import { Coupon } from "./buy/coupon";
import { CURRENCIES, useCurrency, type Currency } from "./buy/currency";
import { Ordering } from "./buy/ordering";
import { Orders } from "./buy/orders";
import { Packages } from "./buy/packages";
import { Subscription } from "./buy/subscription";
import "../words/buy";
import "../words/usage";

const MINE = { path: { ref: "me" } };

export default function Buy() {
  const { t } = useTranslation();
  const { account } = useMe();
  return account === null ? <Vacant title={t("nav.buy")}>{t("state.noAccount")}</Vacant> : <Shop />;
}

function Shop() {
  const { t } = useTranslation();
  const packages = useQuery(listPackagesOptions());
  // A plan may change while somebody looks: a subscription was paid, or an operator changed it.
  const account = useQuery({ ...showAccountOptions(MINE), refetchInterval: LIVE_MS });
  const sold = packages.data?.items;
  const offered = sold && account.data ? offeredTo(account.data, sold) : [];
  const inUse = CURRENCIES.filter((one) => offered.some(({ prices }) => prices.some(({ currency }) => currency === one)));
  const [currency, setCurrency] = useCurrency(inUse);
  return (
    <>
      <Head title={t("nav.buy")}>
        {inUse.length > 1 && (
          <Choice label={t("buy.currency")} value={currency} onChange={setCurrency} options={inUse.map((one) => ({ value: one, title: one }))} />
        )}
      </Head>
      <div className="space-y-8">
        <Answer of={packages}>
          {(shop) => <Answer of={account}>{(buyer) => <Offers shop={shop} buyer={buyer} offered={offered} currency={currency} />}</Answer>}
        </Answer>
        <Orders packages={sold ?? []} />
      </div>
    </>
  );
}

/** Returns what an account may buy: what its plan has; nothing, where the credit that it draws on is another's. */
function offeredTo(buyer: Account, sold: readonly Package[]): Package[] {
  return buyer.own_credit ? sold.filter(({ plans }) => plans.length === 0 || plans.includes(buyer.plan ?? "")) : [];
}

interface Offered {
  shop: Sold;
  buyer: Account;
  offered: readonly Package[];
  currency: Currency;
}

function Offers({ shop, buyer, offered, currency }: Offered) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<Package | null>(null);
  const rest = { currency, plan: buyer.plan ?? "", onChoose: setChosen };
  return (
    <>
      {!buyer.own_credit && <Empty>{t("buy.draws", { name: buyer.parent ?? "" })}</Empty>}
      {buyer.own_credit && offered.length === 0 && <Empty>{t("buy.nothing")}</Empty>}
      {buyer.kind !== "user" && offered.length > 0 && (
        <p className="rounded-card border border-line bg-sunk px-4 py-3 text-sm">{t("buy.shared", { name: buyer.name || buyer.ref })}</p>
      )}
      <Packages title={t("buy.packages")} packages={offered.filter((one) => one.plan === "")} {...rest} />
      <Packages title={t("buy.plans")} packages={offered.filter((one) => one.plan !== "")} {...rest} />
      {shop.purchase_url && !shop.purchase_url.startsWith(`${location.origin}/app/`) && (
        <a href={shop.purchase_url} className="inline-block text-brand underline">
          {t("buy.elsewhere")}
        </a>
      )}
      {buyer.own_credit && (
        <div className="grid items-start gap-4 md:grid-cols-2">
          <Subscription />
          <Coupon />
        </div>
      )}
      <Ordering one={chosen} currency={currency} ways={shop.paid_over} account={buyer} onClose={() => setChosen(null)} />
    </>
  );
}
