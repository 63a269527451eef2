// The tree of an account: the way up, who pays, who is below; and the limits on its calls, those from above too.
import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Account, StandingLimit } from "../../../api";
import { listAccountLimitsOptions, listChildrenInfiniteOptions, showAccountPathOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Card } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { LIVE_MS } from "../../../parts/live";
import { usePages } from "../../../parts/pages";
import { More, Table } from "../../../parts/table";
import { placeOf, Stand } from "./lines";
import { Part } from "./part";

const PAGE = 20;

export function Tree({ account }: { account: Account }) {
  const { t } = useTranslation();
  const way = useQuery(showAccountPathOptions({ path: { ref: account.ref } }));
  return (
    <Card title={t("account.tree")}>
      <Answer of={way} rows={1}>
        {({ refs, payer }) => (
          <ol aria-label={t("account.way")} className="flex flex-wrap items-center gap-x-1 gap-y-2">
            {refs.toReversed().map((ref, place) => (
              <li key={ref} className="flex min-w-0 items-center gap-1.5">
                {place > 0 && <ChevronRight aria-hidden className="size-4 shrink-0 text-soft" />}
                {ref === account.ref ? (
                  <span aria-current="page" className="font-medium break-all">{ref}</span>
                ) : (
                  <Link to={placeOf(ref)} className="break-all text-brand underline">{ref}</Link>
                )}
                {ref === payer && <Badge tone="good">{t("account.pays")}</Badge>}
              </li>
            ))}
          </ol>
        )}
      </Answer>
      <Below account={account} />
    </Card>
  );
}

function Below({ account }: { account: Account }) {
  const { t } = useTranslation();
  const asked = { path: { ref: account.ref }, query: { limit: PAGE } };
  const pages = usePages(listChildrenInfiniteOptions(asked));
  return (
    <>
      <h3 className="mt-5 mb-2 text-sm font-medium text-soft">{t("account.below")}</h3>
      <Answer of={pages} rows={1}>
        {(below) => {
          if (below.length === 0) return <p className="text-soft">{t("account.none")}</p>;
          return (
            <ul className="divide-y divide-line">
              {below.map((one) => (
                <li key={one.ref} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-2">
                  <span className="min-w-0">
                    <Link to={placeOf(one.ref)} className="break-all text-brand underline">{one.ref}</Link>
                    {one.name && <span className="text-soft"> {one.name}</span>}
                  </span>
                  <Stand state={one.state} level={undefined} />
                </li>
              ))}
            </ul>
          );
        }}
      </Answer>
      <More of={pages} />
    </>
  );
}

export function Limits({ account }: { account: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const limits = useQuery({ ...listAccountLimitsOptions({ path: { ref: account } }), refetchInterval: LIVE_MS });
  return (
    <Part title={t("account.limits")}>
      <Answer of={limits} rows={1}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="text-soft">{t("account.limitsNone")}</p>
          ) : (
            <Table
              caption={t("account.limits")}
              rows={items}
              keyOf={(one) => `${one.account} ${one.name} ${one.of}`}
              columns={[
                { name: "name", title: t("account.limit.name"), cell: (one) => <Name of={one} /> },
                { name: "whose", title: t("account.limit.whose"), cell: (one) => one.account },
                { name: "used", title: t("account.limit.used"), figure: true, cell: (one) => `${one.used.shown} (${one.used_percent} %)` },
                { name: "most", title: t("account.limit.most"), figure: true, cell: (one) => one.limit.shown },
                { name: "left", title: t("account.limit.left"), figure: true, cell: (one) => <span className="font-medium">{one.left.shown}</span> },
                { name: "ends", title: t("account.limit.ends"), cell: (one) => moment(one.end_at) },
              ]}
            />
          )
        }
      </Answer>
    </Part>
  );
}

function Name({ of: { what, every, of } }: { of: StandingLimit }) {
  const { t } = useTranslation();
  return (
    <>
      {t(`account.what.${what}`)} {t(`account.every.${every}`)}
      {of && <span className="block text-soft break-all">{of}</span>}
    </>
  );
}
