// Buying: what is on sale, in one's own currency; coupons; the subscription; and everything ordered so far.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Package, Packages as Sold } from "../api";
import { listPackagesOptions, showAccountOptions, showBalanceOptions } from "../api/@tanstack/react-query.gen";
import { Answer } from "../parts/answer";
import { Head } from "../parts/card";
import { Choice } from "../parts/choice";
import { LIVE_MS } from "../parts/live";
import { Empty } from "../parts/problem";
import { useMe } from "../session";
import { Coupon } from "./buy/coupon";
import { CURRENCIES, useCurrency } from "./buy/currency";
import { Ordering } from "./buy/ordering";
import { Orders } from "./buy/orders";
import { Packages } from "./buy/packages";
import { Subscription } from "./buy/subscription";
import "../words/buy";

const MINE = { path: { ref: "me" } };

export default function Buy() {
  const { t } = useTranslation();
  const { account } = useMe();
  const packages = useQuery({ ...listPackagesOptions(), enabled: account !== null });
  if (account === null) return <Empty>{t("state.noAccount")}</Empty>;
  return <Answer of={packages}>{(sold) => <Shop sold={sold} />}</Answer>;
}

function Shop({ sold }: { sold: Sold }) {
  const { t } = useTranslation();
  const account = useQuery(showAccountOptions(MINE)).data;
  const plan = useQuery({ ...showBalanceOptions(MINE), refetchInterval: LIVE_MS }).data?.plan ?? "";
  const mine = sold.items.filter((one) => one.plans.length === 0 || one.plans.includes(plan));
  const inUse = CURRENCIES.filter((one) => mine.some(({ prices }) => prices.some(({ currency }) => currency === one)));
  const [currency, setCurrency] = useCurrency(inUse);
  const [chosen, setChosen] = useState<Package | null>(null);
  const draws = account?.own_credit === false;
  const offered = draws ? [] : mine;
  const rest = { currency, plan, onChoose: setChosen };
  return (
    <>
      <Head title={t("nav.buy")}>
        {offered.length > 0 && inUse.length > 1 && (
          <Choice label={t("buy.currency")} value={currency} onChange={setCurrency} options={inUse.map((one) => ({ value: one, title: one }))} />
        )}
      </Head>
      <div className="space-y-8">
        {draws && <Empty>{t("buy.draws", { name: account.parent ?? "" })}</Empty>}
        {!draws && offered.length === 0 && <Empty>{t("buy.nothing")}</Empty>}
        {account && account.kind !== "user" && offered.length > 0 && (
          <p className="rounded-card border border-line bg-sunk px-4 py-3 text-sm">{t("buy.shared", { name: account.name || account.ref })}</p>
        )}
        <Packages title={t("buy.packages")} packages={offered.filter((one) => one.plan === "")} {...rest} />
        <Packages title={t("buy.plans")} packages={offered.filter((one) => one.plan !== "")} {...rest} />
        {sold.purchase_url && !sold.purchase_url.startsWith(`${location.origin}/app/`) && (
          <a href={sold.purchase_url} className="inline-block text-brand underline">
            {t("buy.elsewhere")}
          </a>
        )}
        {!draws && (
          <div className="grid items-start gap-4 md:grid-cols-2">
            <Subscription />
            <Coupon />
          </div>
        )}
        <Orders packages={sold.items} />
      </div>
      <Ordering one={chosen} currency={currency} ways={sold.paid_over} account={account} onClose={() => setChosen(null)} />
    </>
  );
}
