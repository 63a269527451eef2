// What all accounts were told, the newest first: whom, of what, in which words, and whether they have read it.
import { keepPreviousData } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { Notice } from "../../../api";
import { listAllNoticesInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { List } from "../../../parts/choice";
import { useMoment } from "../../../parts/date";
import { LIVE_MS } from "../../../parts/live";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More, Table } from "../../../parts/table";
import { placeOf } from "../account/lines";

const PAGE = 20;
export const KINDS = ["level", "bought", "expiring", "suspended"] as const;

export function Notices() {
  const { t } = useTranslation();
  const [place, go] = useSearchParams();
  const kind = KINDS.find((one) => one === place.get("kind"));
  const asked = { query: { limit: PAGE, ...(kind && { kind }) } };
  const pages = usePages(listAllNoticesInfiniteOptions(asked), { placeholderData: keepPreviousData, refetchInterval: LIVE_MS });
  return (
    <>
      <List
        label={t("toldTo.kind")}
        className="mb-4 w-52"
        value={kind ?? ""}
        options={[{ value: "", title: t("form.all") }, ...KINDS.map((one) => ({ value: one, title: t(`endpoints.kind.${one}`) }))]}
        onChange={(one) => go(one ? { view: "notices", kind: one } : { view: "notices" })}
      />
      <Answer of={pages} rows={6}>
        {(notices) => {
          if (notices.length === 0) return <Empty>{t(kind ? "toldTo.noneSo" : "toldTo.none")}</Empty>;
          return (
            <div aria-busy={pages.isPlaceholderData}>
              <Lines notices={notices} />
            </div>
          );
        }}
      </Answer>
      <More of={pages} />
    </>
  );
}

function Lines({ notices }: { notices: readonly Notice[] }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <Table
      caption={t("toldTo.caption")}
      rows={notices}
      keyOf={(one) => one.id}
      columns={[
        {
          name: "account",
          title: t("toldTo.account"),
          cell: (one) => (
            <Link to={placeOf(one.account)} className="block min-w-20 break-words text-brand underline">
              {one.account}
            </Link>
          ),
        },
        {
          name: "what",
          title: t("toldTo.what"),
          cell: (one) => (
            <div className="min-w-48">
              <span className="font-medium">{one.title}</span>
              <span className="block text-soft">{one.text}</span>
            </div>
          ),
        },
        { name: "when", title: t("toldTo.when"), cell: (one) => <time dateTime={one.at} className="whitespace-nowrap">{moment(one.at)}</time> },
        { name: "read", title: t("toldTo.read"), from: "sm", cell: (one) => (one.read_at ? moment(one.read_at) : t("toldTo.unread")) },
      ]}
    />
  );
}
