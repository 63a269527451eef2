// How the deployment fares: what waits for a person, who passes and who does not, how long it lasts, what it brings.
// What is known at once comes first; what is added up over weeks is asked for when that stands.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";

import { clearStatisticsMutation, showStatisticsOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { useMoment } from "../../parts/date";
import { FirstSteps } from "../../parts/first-steps";
import { Failed } from "../../parts/problem";
import { useTell } from "../../parts/told";
import { may } from "../../places";
import { useMe } from "../../session";
import { Attention } from "./overview/attention";
import { Money } from "./overview/money";
import { Pace } from "./overview/pace";
import { Patterns } from "./overview/patterns";
import { Buckets, Standing, Top } from "./overview/standing";
import { Trends } from "./overview/trends";
import { Lasting, Watch } from "./overview/watch";
import "../../words/overview";

const TOP = { query: { top: 100 } };

export default function Screen() {
  const { t } = useTranslation();
  const me = useMe();
  const figures = useQuery(showStatisticsOptions(TOP));
  return (
    <>
      <Head title={t("nav.overview")}>{may(me, "operator") && <Anew />}</Head>
      <div className="space-y-6">
        <FirstSteps />
        <Attention />
        <Answer of={figures} rows={4}>
          {(data) => <Standing figures={data} />}
        </Answer>
        <div className="grid gap-6 lg:grid-cols-2 [&>*]:min-w-0">
          <Pace />
          {figures.data && <Buckets buckets={figures.data.distribution} />}
        </div>
        {figures.isFetched && (
          <>
            <Lasting />
            <Watch />
            <Trends />
            <Patterns />
            <Money />
            {figures.data && <Top lines={figures.data.top} />}
          </>
        )}
      </div>
    </>
  );
}

/** Has every figure found out anew, and says as of when those are that stand here. */
function Anew() {
  const { t } = useTranslation();
  const moment = useMoment();
  const queries = useQueryClient();
  const tell = useTell();
  const { data } = useQuery(showStatisticsOptions(TOP));
  const clear = useMutation({
    ...clearStatisticsMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries();
      tell({ title: t("overview.cleared") });
    },
  });
  return (
    <div className="flex flex-wrap items-center gap-3">
      {data && <p className="text-sm text-soft">{t("overview.asOf", { at: moment(data.cached_at) })}</p>}
      <Button kind="plain" disabled={clear.isPending} onClick={() => clear.mutate({})}>
        <RotateCw aria-hidden className={`size-4 ${clear.isPending ? "animate-spin" : ""}`} />
        {t("overview.clear")}
      </Button>
      {clear.error && <Failed error={clear.error} />}
    </div>
  );
}
