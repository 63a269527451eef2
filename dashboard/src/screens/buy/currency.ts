// The currency that somebody sees prices in: chosen by them and remembered, else their language's.
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Money } from "../../api";

export type Currency = Money["currency"];
export const CURRENCIES: readonly Currency[] = ["KRW", "USD", "EUR", "JPY"];

const KEPT = "currency";

/** Returns the currency, of those that something is sold in, and what chooses another. */
export function useCurrency(sold: readonly Currency[]): [Currency, (chosen: Currency) => void] {
  const { i18n } = useTranslation();
  const [chosen, setChosen] = useState(localStorage.getItem(KEPT));
  const wanted = [chosen, i18n.language === "ko" ? "KRW" : "USD", ...sold];
  const currency = wanted.find((one): one is Currency => sold.includes(one as Currency)) ?? "KRW";
  const choose = (next: Currency) => {
    localStorage.setItem(KEPT, next);
    setChosen(next);
  };
  return [currency, choose];
}
