// Notices: what the account was told, the newest first, and what of it was read.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, Bell, CircleAlert, Clock, Coins, TriangleAlert } from "lucide-react";
import { useState, type ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Notice } from "../api";
import {
  countNoticesOptions, countNoticesQueryKey, listNoticesInfiniteOptions, listNoticesQueryKey, markNoticeReadMutation,
  markNoticesReadMutation,
} from "../api/@tanstack/react-query.gen";
import { Answer } from "../parts/answer";
import { Button } from "../parts/button";
import { Head, Vacant } from "../parts/card";
import { Choice } from "../parts/choice";
import { useMoment } from "../parts/date";
import { Badge } from "../parts/figure";
import { usePages } from "../parts/pages";
import { Empty, Failed } from "../parts/problem";
import { More } from "../parts/table";
import { useTell, useTellFailed } from "../parts/told";
import { useMe } from "../session";
import "../words/notices";
import "../words/usage";

const MINE = { path: { ref: "me" } };
const PAGE = 20;

interface Look {
  icon: ComponentType<{ className?: string }>;
  ink: string;
}

/** Returns how a notice is drawn: by its level where it has one, else by its kind. */
function lookOf({ kind, level }: Notice): Look {
  if (level === "blocked" || kind === "suspended") return { icon: Ban, ink: "text-bad" };
  if (level === "critical") return { icon: CircleAlert, ink: "text-bad" };
  if (level === "warning") return { icon: TriangleAlert, ink: "text-warn" };
  if (kind === "bought") return { icon: Coins, ink: "text-good" };
  return kind === "expiring" ? { icon: Clock, ink: "text-warn" } : { icon: Bell, ink: "text-notice" };
}

export default function Notices() {
  const { t } = useTranslation();
  const { account } = useMe();
  if (account === null) return <Vacant title={t("nav.notices")}>{t("state.noAccount")}</Vacant>;
  return <Told />;
}

function Told() {
  const { t } = useTranslation();
  const [view, setView] = useState<"all" | "unread">("all");
  const asked = { ...MINE, query: { limit: PAGE, unread: view === "unread" } };
  const pages = usePages(listNoticesInfiniteOptions(asked));
  return (
    <>
      <Head title={t("nav.notices")}>
        <div className="flex flex-wrap items-center gap-2">
          <Choice
            label={t("form.show")}
            value={view}
            onChange={setView}
            options={[
              { value: "all", title: t("form.all") },
              { value: "unread", title: t("notices.unread") },
            ]}
          />
          <ReadAll />
        </div>
      </Head>
      <Answer of={pages} rows={6}>
        {(notices) => {
          if (notices.length === 0) return <Empty>{t(view === "unread" ? "notices.noneUnread" : "notices.none")}</Empty>;
          return (
            <ul aria-label={t("nav.notices")} className="divide-y divide-line rounded-card border border-line bg-panel">
              {notices.map((one) => (
                <Line key={one.id} notice={one} />
              ))}
            </ul>
          );
        }}
      </Answer>
      <More of={pages} />
    </>
  );
}

/** Returns what has everything asked for again that reading changes. */
function useChanged(): () => Promise<unknown> {
  const queries = useQueryClient();
  return () => Promise.all([listNoticesQueryKey(MINE), countNoticesQueryKey(MINE)].map((queryKey) => queries.invalidateQueries({ queryKey })));
}

function ReadAll() {
  const { t } = useTranslation();
  const tell = useTell();
  const changed = useChanged();
  const unread = useQuery(countNoticesOptions(MINE)).data?.unread ?? 0;
  const read = useMutation({
    ...markNoticesReadMutation(),
    onSuccess: async () => {
      tell({ title: t("notices.readDone") });
      await changed();
    },
    onError: useTellFailed(),
  });
  return (
    <Button kind="plain" disabled={unread === 0 || read.isPending} onClick={() => read.mutate(MINE)}>
      {t("notices.readAll")}
    </Button>
  );
}

function Line({ notice }: { notice: Notice }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const changed = useChanged();
  const read = useMutation({ ...markNoticeReadMutation(), onSuccess: changed });
  const { icon: Icon, ink } = lookOf(notice);
  const fresh = notice.read_at === null;
  return (
    <li className="flex items-start gap-3 px-4 py-4 sm:px-5">
      <Icon aria-hidden className={`mt-0.5 size-5 shrink-0 ${fresh ? ink : "text-soft"}`} />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <h2 className={`min-w-0 wrap-anywhere ${fresh ? "font-medium" : "text-soft"}`}>{notice.title}</h2>
          {fresh && <Badge tone="notice">{t("notices.new")}</Badge>}
        </div>
        <p className="mt-1 text-sm text-soft wrap-anywhere">{notice.text}</p>
        <p className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
          <time dateTime={notice.at}>{moment(notice.at)}</time>
          {(notice.kind === "level" || notice.kind === "expiring") && (
            <Link to="/buy" className="font-medium text-brand underline">
              {t("card.buy")}
            </Link>
          )}
          {fresh && (
            <button
              type="button"
              aria-label={t("notices.readName", { title: notice.title })}
              disabled={read.isPending}
              onClick={() => read.mutate({ path: { ref: "me", notice_id: notice.id } })}
              className="min-h-8 font-medium text-brand underline disabled:opacity-50"
            >
              {t("notices.read")}
            </button>
          )}
        </p>
        {read.error && <Failed error={read.error} />}
      </div>
    </li>
  );
}
