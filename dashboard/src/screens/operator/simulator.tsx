// The simulator: what to run under which plans, the latest runs, and one of them by its address.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import { listSimulationsOptions, showSimulationOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Card, Head } from "../../parts/card";
import { useMoment } from "../../parts/date";
import { Badge } from "../../parts/figure";
import { Empty } from "../../parts/problem";
import { Setting } from "./simulator/setting";
import { Run } from "./simulator/run";
import "../../words/simulator";

const TONES = { running: "notice", done: "good", failed: "bad", lost: "warn" } as const;

export default function Simulator() {
  const { t } = useTranslation();
  const { run } = useParams();
  return (
    <>
      <Head title={t("nav.simulator")}>
        {run && (
          <Link to="/operator/simulator" className="text-sm font-medium text-brand underline">
            {t("simulator.new")}
          </Link>
        )}
      </Head>
      {run ? (
        <section aria-labelledby="ran" className="space-y-6">
          <What key={run} id={run} />
          <Run key={run} id={run} />
        </section>
      ) : (
        <div className="grid items-start gap-6 lg:grid-cols-[3fr_2fr]">
          <Setting />
          <Latest />
        </div>
      )}
    </>
  );
}

/** What was simulated, as the heading of what came of it. */
function What({ id }: { id: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const run = useQuery(showSimulationOptions({ path: { simulation: id } })).data;
  return (
    <div>
      <h2 id="ran" className="text-lg font-semibold tracking-tight wrap-anywhere">
        {run ? run.plans.join(" · ") : t("simulator.outcome")}
      </h2>
      {run && (
        <p className="text-sm text-soft">
          {t(`simulator.source.${run.source}`)}, {moment(run.started_at)}
        </p>
      )}
    </div>
  );
}

function Latest() {
  const { t } = useTranslation();
  const moment = useMoment();
  const latest = useQuery(listSimulationsOptions({ query: { limit: 10 } }));
  return (
    <Card title={t("simulator.latest")}>
      <Answer of={latest}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("simulator.none")}</Empty>
          ) : (
            <ul className="divide-y divide-line">
              {items.map((one) => (
                <li key={one.id}>
                  <Link to={`/operator/simulator/${one.id}`} className="flex items-center justify-between gap-3 py-3 hover:underline">
                    <span className="min-w-0">
                      <span className="block truncate font-medium">{one.plans.join(" · ")}</span>
                      <span className="block text-sm text-soft">
                        {t(`simulator.source.${one.source}`)}, {moment(one.started_at)}
                      </span>
                    </span>
                    <Badge tone={TONES[one.state]}>{t(`simulator.state.${one.state}`)}</Badge>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </Card>
  );
}
