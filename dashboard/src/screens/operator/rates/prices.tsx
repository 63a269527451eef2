// A rate's prices as they were written, each kind by its name: nothing is reckoned here.
import { useTranslation } from "react-i18next";

import type { Rate } from "../../../api";
import { useCount } from "../../../parts/count";
import { useUnit } from "../../../parts/unit";

const KINDS = ["input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output", "per_request"] as const;

type Written = { readonly [kind: string]: unknown };

export function Prices({ rate }: { rate: Rate }) {
  const { t } = useTranslation();
  const count = useCount();
  const named = useUnit();
  const { per, unit, above } = rate.prices as { per?: number; unit?: string; above?: readonly Written[] };
  return (
    <>
      <Line prices={rate.prices} />
      <span className="block text-sm text-soft">{t("rates.per", { tokens: count(per ?? 1_000_000), unit: unit ? named(unit) : t("rates.smallest") })}</span>
      {(above ?? []).map((tier) => (
        <span key={String(tier.tokens)} className="block text-sm">
          <span className="text-soft">{t("rates.above", { tokens: count(Number(tier.tokens)) })}: </span>
          <Line prices={tier} />
        </span>
      ))}
    </>
  );
}

function Line({ prices }: { prices: Written }) {
  const { t } = useTranslation();
  return (
    <span className="inline-flex flex-wrap gap-x-3">
      {KINDS.filter((kind) => kind in prices && !(kind === "per_request" && Number(prices[kind]) === 0)).map((kind) => (
        <span key={kind} className="whitespace-nowrap">
          <span className="text-soft">{t(`rates.kind.${kind}`)}</span> <span className="font-medium">{String(prices[kind])}</span>
        </span>
      ))}
    </span>
  );
}
