// Accounts out of a file: which one, the latest imports, and one of them by its address.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";

import type { Import } from "../../api";
import { listImportsOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Back } from "../../parts/back";
import { Card, Head } from "../../parts/card";
import { useMoment } from "../../parts/date";
import { Badge, type Tone } from "../../parts/figure";
import { LIVE_MS } from "../../parts/live";
import { Empty } from "../../parts/problem";
import { may } from "../../places";
import { useMe } from "../../session";
import { Choosing } from "./imports/choosing";
import { Run } from "./imports/run";
import "../../words/imports";

const TONES: Record<Import["state"], Tone> = { checking: "notice", ready: "warn", writing: "notice", done: "good", failed: "bad", cancelled: "plain", lost: "warn" };

export default function Screen() {
  const { t } = useTranslation();
  const me = useMe();
  const { id } = useParams();
  return (
    <>
      <Back to="/operator/accounts">{t("imports.back")}</Back>
      <Head title={t("imports.title")}>
        {id && (
          <Link to="/operator/imports" className="text-sm font-medium text-brand underline">
            {t("imports.new")}
          </Link>
        )}
      </Head>
      {id ? (
        <Run key={id} id={id} />
      ) : (
        <div className="grid items-start gap-6 lg:grid-cols-[3fr_2fr]">
          {may(me, "operator") && <Choosing />}
          <Latest />
        </div>
      )}
    </>
  );
}

function Latest() {
  const { t } = useTranslation();
  const moment = useMoment();
  const latest = useQuery({ ...listImportsOptions({ query: { limit: 10 } }), refetchInterval: LIVE_MS });
  return (
    <Card title={t("imports.latest")}>
      <Answer of={latest}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("imports.none")}</Empty>
          ) : (
            <ul className="divide-y divide-line">
              {items.map((one) => (
                <li key={one.id}>
                  <Link to={`/operator/imports/${one.id}`} className="flex items-center justify-between gap-3 py-3 hover:underline">
                    <span className="min-w-0">
                      <span className="block truncate font-medium">{one.name}</span>
                      <span className="block text-sm text-soft">{moment(one.started_at)}</span>
                    </span>
                    <Badge tone={TONES[one.state]}>{t(`imports.states.${one.state}`)}</Badge>
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
