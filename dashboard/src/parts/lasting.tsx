// A forecast in words: until when the credit lasts, how sure that is, and what more is to come before.
import { useTranslation } from "react-i18next";

import type { Forecast } from "../api";
import { useDate } from "./date";
import "../words/usage";

export function Lasting({ forecast }: { forecast: Forecast }) {
  const { t } = useTranslation();
  const used = Number(forecast.per_day.value) > 0;
  return (
    <>
      <End forecast={forecast} />
      {used && (
        <p className="mt-2 text-sm text-soft">
          {t("usage.forecast.perDay", { amount: forecast.per_day.shown, today: forecast.today.shown })}
        </p>
      )}
    </>
  );
}

function End({ forecast }: { forecast: Forecast }) {
  const { t } = useTranslation();
  const date = useDate();
  const { exhausted_at: end, earliest_at: earliest, latest_at: latest, renews_at: renews } = forecast;
  if (Number(forecast.available.value) <= 0) return <p className="font-medium">{t("usage.forecast.gone")}</p>;
  if (end === null && Number(forecast.per_day.value) === 0) return <p className="text-soft">{t("usage.forecast.unknown")}</p>;
  return (
    <>
      <p className="text-lg font-semibold tracking-tight">{end ? t("usage.forecast.until", { at: date(end) }) : t("usage.forecast.year")}</p>
      {earliest && (
        <p className="text-sm text-soft">
          {latest
            ? t("usage.forecast.between", { earliest: date(earliest), latest: date(latest) })
            : t("usage.forecast.earliest", { earliest: date(earliest) })}
        </p>
      )}
      {end && renews && (
        <p className={`mt-2 text-sm ${forecast.lasts_until_renewal ? "text-good" : "text-warn"}`}>
          {t(forecast.lasts_until_renewal ? "usage.forecast.renewal" : "usage.forecast.beforeRenewal", { at: date(renews) })}
        </p>
      )}
    </>
  );
}
