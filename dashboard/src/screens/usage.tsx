// Where an account stands: the card, and the lots that it is made of.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Balance } from "../api";
import { showBalanceOptions } from "../api/@tanstack/react-query.gen";
import { useDate } from "../parts/date";
import { Empty, Failed, Loading } from "../parts/problem";
import { UsageCard } from "../parts/usage-card";
import { useMe } from "../session";

const FRESH_MS = 15_000;

export default function Usage() {
  const { t } = useTranslation();
  const { account } = useMe();
  const { data, error, refetch } = useQuery({
    ...showBalanceOptions({ path: { ref: "me" } }),
    enabled: account !== null,
    refetchInterval: FRESH_MS,
  });
  if (account === null) return <Empty>{t("usage.noAccount")}</Empty>;
  return (
    <>
      <h1 className="mb-6 text-2xl font-semibold tracking-tight">{t("nav.usage")}</h1>
      {error && !data ? <Failed error={error} again={refetch} /> : data ? <Standing balance={data} /> : <Loading />}
    </>
  );
}

function Standing({ balance }: { balance: Balance }) {
  const { t } = useTranslation();
  const date = useDate();
  return (
    <div className="grid gap-6 lg:grid-cols-[3fr_2fr]">
      <UsageCard balance={balance} />
      <section aria-labelledby="lots" className="rounded-card border border-line bg-panel p-5 sm:p-6">
        <h2 id="lots" className="text-sm font-medium text-soft">
          {t("usage.lots")}
        </h2>
        <ul className="mt-3 divide-y divide-line">
          {balance.lots.map((lot, place) => (
            <li key={place} className="flex items-baseline justify-between gap-4 py-2.5">
              <span>
                {t(`source.${lot.source}`)}
                <span className="block text-sm text-soft">
                  {lot.expires_at ? t("usage.until", { at: date(lot.expires_at) }) : t("usage.forGood")}
                </span>
              </span>
              <span className="font-medium">{lot.left.shown}</span>
            </li>
          ))}
          {balance.lots.length === 0 && <li className="py-2.5 text-soft">{t("usage.noLots")}</li>}
        </ul>
      </section>
    </div>
  );
}
