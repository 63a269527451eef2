// The last five minutes: calls that went through and calls that were refused, moving on as one looks.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { showPaceOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Card } from "../../../parts/card";
import { Chart } from "../../../parts/chart";
import { useCount, useWhole } from "../../../parts/count";
import { LIVE_MS } from "../../../parts/live";
import { useMe } from "../../../session";

export function Pace() {
  const { t, i18n } = useTranslation();
  const { time_zone: timeZone } = useMe();
  const count = useCount();
  const whole = useWhole();
  const pace = useQuery({ ...showPaceOptions(), refetchInterval: LIVE_MS });
  const clock = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium", timeZone, hourCycle: "h23" });
  return (
    <Card title={t("overview.pace.title")}>
      <Answer of={pace} rows={5}>
        {(data) => (
          <>
            <dl className="mb-4 grid grid-cols-3 gap-4">
              <Part title={t("overview.pace.allowed")}>{count(data.allowed)}</Part>
              <Part title={t("overview.pace.refused")}>{count(data.refused)}</Part>
              <Part title={t("overview.pace.share")}>{data.allowed_percent === null ? "–" : t("overview.percent", { percent: data.allowed_percent })}</Part>
            </dl>
            <Chart
              title={t("overview.pace.each", { rate: count(data.per_minute) })}
              kind="stack"
              say={whole}
              places={data.slots.map((one) => clock.format(new Date(one.start_at)))}
              series={[
                { title: t("overview.pace.allowed"), tone: "good", points: data.slots.map(({ allowed }) => ({ value: allowed, shown: count(allowed) })) },
                { title: t("overview.pace.refused"), tone: "bad", points: data.slots.map(({ refused }) => ({ value: refused, shown: count(refused) })) },
              ]}
            />
          </>
        )}
      </Answer>
    </Card>
  );
}

function Part({ title, children }: { title: string; children: string }) {
  return (
    <div>
      <dt className="text-sm text-soft">{title}</dt>
      <dd className="text-2xl font-semibold tracking-tight">{children}</dd>
    </div>
  );
}
