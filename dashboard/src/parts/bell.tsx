// How many notices nobody has read yet, the way to them, and a word about each that comes while somebody looks.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Bell as Icon } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";

import { listNotices } from "../api";
import { countNoticesOptions, listNoticesQueryKey } from "../api/@tanstack/react-query.gen";
import { LIVE_MS } from "./live";
import { useTell } from "./told";
import "../words/notices";

const MINE = { path: { ref: "me" } };
/** Of several that came at once, the last ones are told; the list has all of them. */
const TOLD_MAX = 3;
const STAYS_MS = 10_000;

export function Bell() {
  const { t } = useTranslation();
  const { data } = useQuery({ ...countNoticesOptions(MINE), refetchInterval: LIVE_MS });
  const unread = data?.unread ?? 0;
  useNews(data?.total);
  return (
    <Link to="/notices" className="relative flex size-10 items-center justify-center rounded-lg text-soft hover:bg-sunk hover:text-ink">
      <Icon aria-hidden className="size-4" />
      <span className="sr-only">{unread > 0 ? t("notices.bell", { count: unread }) : t("nav.notices")}</span>
      {unread > 0 && (
        <span aria-hidden className="absolute top-1 right-1 min-w-4 rounded-full bg-bad px-1 text-center text-[0.65rem] leading-4 font-semibold text-on-brand">
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </Link>
  );
}

/** Tells of the notices that came since the page was opened: how many there are says that some did. */
function useNews(total: number | undefined): void {
  const { t } = useTranslation();
  const tell = useTell();
  const go = useNavigate();
  const queries = useQueryClient();
  const known = useRef<Set<string> | null>(null);
  const asked = useRef<number | null>(null);
  useEffect(() => {
    if (total === undefined || asked.current === total) return;
    asked.current = total;
    const look = async () => {
      const { data } = await listNotices({ ...MINE, query: { limit: TOLD_MAX } });
      if (!data) {
        // Not reached: the next count that comes looks again.
        asked.current = null;
        return;
      }
      const seen = known.current;
      known.current = new Set([...(seen ?? []), ...data.items.map((one) => one.id)]);
      if (seen === null) return;
      const news = data.items.filter((one) => !seen.has(one.id) && one.read_at === null);
      const actionProps = { children: t("notices.open"), onClick: () => void go("/notices") };
      for (const { id, title, text } of news.reverse()) tell({ id, title, description: text, timeout: STAYS_MS, actionProps });
      if (news.length > 0) await queries.invalidateQueries({ queryKey: listNoticesQueryKey(MINE) });
    };
    void look();
  }, [total, t, tell, go, queries]);
}
