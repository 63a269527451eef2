// What is on sale: packages of credit, and subscriptions, each with its price in the chosen currency.
import { useTranslation } from "react-i18next";

import type { Package } from "../../api";
import { Button } from "../../parts/button";
import { Badge } from "../../parts/figure";
import { useUnit } from "../../parts/unit";
import type { Currency } from "./currency";

interface Props {
  title: string;
  packages: readonly Package[];
  currency: Currency;
  /** The plan that the account has. */
  plan: string;
  onChoose: (one: Package) => void;
}

/** Returns what a package is called in a language, or else by whatever name it has. */
export function calledIn(language: string, { title, name }: Pick<Package, "title" | "name">): string {
  return title[language] ?? title["en"] ?? name;
}

export function Packages({ title, packages, ...rest }: Props) {
  if (packages.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2 className="mb-3 text-lg font-semibold tracking-tight">{title}</h2>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,16rem),1fr))] gap-4">
        {packages.map((one) => (
          <Offer key={one.name} one={one} {...rest} />
        ))}
      </ul>
    </section>
  );
}

function Offer({ one, currency, plan, onChoose }: { one: Package } & Omit<Props, "title" | "packages">) {
  const { t, i18n } = useTranslation();
  const name = calledIn(i18n.language, one);
  const price = one.prices.find((money) => money.currency === currency);
  const yours = one.plan !== "" && one.plan === plan;
  const unit = useUnit()(one.credit.unit);
  const some = Number(one.credit.value) > 0;
  return (
    <li className="flex flex-col rounded-card border border-line bg-panel p-5">
      <h3 className="flex items-start justify-between gap-2 font-medium">
        <span className="min-w-0 wrap-anywhere">{name}</span>
        {yours && <Badge tone="good">{t("buy.yours")}</Badge>}
      </h3>
      {one.plan ? (
        <>
          <p className="mt-2 text-2xl font-semibold tracking-tight wrap-anywhere">{t("card.plan", { plan: one.plan_title })}</p>
          <p className="mt-1 text-sm text-soft">{some && t("buy.withCredit", { amount: one.credit.shown, unit })}</p>
        </>
      ) : (
        <>
          <p className="mt-2 text-2xl font-semibold tracking-tight wrap-anywhere">
            {one.credit.shown} <span className="text-base font-normal text-soft">{unit}</span>
          </p>
          <p className="mt-1 text-sm text-soft">
            {Number(one.bonus.value) > 0 && <span className="block">{t("buy.bonusOnTop", { amount: one.bonus.shown })}</span>}
            {one.credit_days ? t("buy.days", { count: one.credit_days }) : t("time.forGood")}
          </p>
        </>
      )}
      <div className="mt-auto flex flex-wrap items-center justify-between gap-3 pt-5">
        <p className="font-medium">{price ? (one.plan ? t(`buy.each.${one.every}`, { price: price.shown }) : price.shown) : t("buy.notIn", { currency })}</p>
        <Button disabled={!price || yours} aria-label={t(one.plan ? "buy.subscribeName" : "buy.chooseName", { name })} onClick={() => onChoose(one)}>
          {t(one.plan ? "buy.subscribe" : "buy.choose")}
        </Button>
      </div>
    </li>
  );
}
