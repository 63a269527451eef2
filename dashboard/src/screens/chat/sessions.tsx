// The conversations of an account: the last used first, found by what was said in them, and those put away.
import { Plus, Search } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink } from "react-router";

import type { Conversation } from "../../api";
import { listChatSessionsInfiniteOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Choice } from "../../parts/choice";
import { useMoment } from "../../parts/date";
import { usePages } from "../../parts/pages";
import { More } from "../../parts/table";

const PAGE = 30;
const PAUSE_MS = 250;

/** Returns a value once it has not changed for a while. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function Sessions({ onGo }: { onGo?: () => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [where, setWhere] = useState<"current" | "archive">("current");
  const q = useSettled(text.trim());
  const asked = { query: { limit: PAGE, archived: where === "archive", q } };
  const pages = usePages(listChatSessionsInfiniteOptions(asked));
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col gap-3">
      <Link
        to="/chat"
        onClick={onGo}
        className="flex min-h-10 items-center justify-center gap-2 rounded-lg border border-line bg-panel px-4 text-sm font-medium hover:bg-sunk"
      >
        <Plus aria-hidden className="size-4" />
        {t("chat.new")}
      </Link>
      <div className="relative">
        <Search aria-hidden className="pointer-events-none absolute top-3 left-3 size-4 text-soft" />
        <input
          type="search"
          aria-label={t("chat.find")}
          placeholder={t("chat.find")}
          maxLength={200}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="min-h-10 w-full rounded-lg border border-line bg-panel pr-3 pl-9 text-sm placeholder:text-soft"
        />
      </div>
      <Choice
        label={t("form.show")}
        value={where}
        onChange={setWhere}
        options={[
          { value: "current", title: t("chat.current") },
          { value: "archive", title: t("chat.archive") },
        ]}
      />
      <nav aria-label={t("chat.list")} className="relative -mx-1 min-h-0 flex-1 overflow-y-auto px-1 pb-2">
        <Answer of={pages} rows={5}>
          {(found) => {
            if (found.length === 0) {
              const none = q ? "noneFound" : where === "archive" ? "noneArchived" : "none";
              return <p className="px-3 py-4 text-sm text-soft">{t(`chat.${none}`)}</p>;
            }
            return (
              <ul>
                {found.map((one) => (
                  <Line key={one.id} one={one} onGo={onGo} />
                ))}
              </ul>
            );
          }}
        </Answer>
        <More of={pages} />
      </nav>
    </div>
  );
}

function Line({ one, onGo }: { one: Conversation; onGo?: (() => void) | undefined }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const spent = t("chat.spent", { count: one.turns, charged: one.charged.shown });
  if (one.erased_at !== null) {
    return (
      <li className="px-3 py-2 text-sm text-soft">
        {t("chat.erased")}
        <span className="block text-xs">
          {moment(one.erased_at)} · {spent}
        </span>
      </li>
    );
  }
  return (
    <li>
      <NavLink
        to={`/chat/${encodeURIComponent(one.id)}`}
        onClick={onGo}
        className="block rounded-lg px-3 py-2 text-sm hover:bg-sunk aria-[current=page]:bg-sunk aria-[current=page]:font-medium"
      >
        <span className="block truncate">{one.title || t("chat.untitled")}</span>
        <span className="block text-xs font-normal text-soft">{moment(one.updated_at)}</span>
      </NavLink>
    </li>
  );
}
