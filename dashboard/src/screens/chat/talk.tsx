// A conversation: what was said, the answer that is coming, and the box.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import type { Message } from "../../api";
import {
  listChatMessagesInfiniteOptions, openChatSessionMutation, showChatOptions,
} from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { List } from "../../parts/choice";
import { LIVE_MS } from "../../parts/live";
import { newKey } from "../../parts/once";
import { usePages } from "../../parts/pages";
import { Box } from "./box";
import { Below, Question, Reply } from "./message";
import { barOf, Standing, useStanding } from "./standing";
import { messagesOf, NEW, put, say, stop, useDraft, useTurn, type Turn } from "./turn";

const PROMPTS = ["mail", "plan", "explain"] as const;
const NEAR_PX = 120;

/** A conversation that is there. */
export function Talk({ session }: { session: string }) {
  const queries = useQueryClient();
  const [draft, setDraft] = useDraft(session);
  const turn = useTurn(session);
  return (
    <Frame
      said={<Said session={session} turn={turn} />}
      moved={`${session} ${turn?.text.length ?? ""}`}
      draft={draft}
      onChange={setDraft}
      onSend={(text) => void say(queries, session, text, draft.sent)}
      onStop={turn && turn.answer === null ? () => stop(session) : null}
    />
  );
}

/** A conversation that begins with its first message. */
export function Begin() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const go = useNavigate();
  const [draft, setDraft] = useDraft(NEW);
  const [model, setModel] = useState("");
  const terms = useQuery(showChatOptions()).data;
  const open = useMutation(openChatSessionMutation());
  const begin = (text: string) =>
    open.mutate(
      { body: { id: newKey(), model } },
      {
        onSuccess: (made) => {
          put(queries, NEW, { text: "" });
          void say(queries, made.id, text);
          void go(`/chat/${encodeURIComponent(made.id)}`);
        },
        onError: (problem) => put(queries, NEW, { text, problem }),
      },
    );
  return (
    <Frame
      said={
        <div className="mx-auto flex min-h-full max-w-xl flex-col justify-center gap-6 py-8">
          <div className="text-center">
            <p className="text-xl font-semibold tracking-tight">{t("chat.begin")}</p>
            <p className="mt-2 text-sm text-soft">{t("chat.beginLead")}</p>
          </div>
          <ul className="space-y-2">
            {PROMPTS.map((name) => (
              <li key={name}>
                <Button kind="plain" className="w-full justify-start py-2 text-left font-normal" onClick={() => put(queries, NEW, { text: t(`chat.prompts.${name}`) })}>
                  {t(`chat.prompts.${name}`)}
                </Button>
              </li>
            ))}
          </ul>
          {terms && terms.models.length > 1 && (
            <List label={t("chat.model")} value={model} onChange={setModel} options={terms.models.map((one, place) => ({ value: place ? one : "", title: one }))} />
          )}
        </div>
      }
      moved=""
      draft={draft}
      onChange={setDraft}
      onSend={begin}
      onStop={null}
      busy={open.isPending}
    />
  );
}

interface FrameProps {
  said: ReactNode;
  /** Changes when something was said: whoever reads the end stays there. */
  moved: string;
  draft: ReturnType<typeof useDraft>[0];
  onChange: (text: string) => void;
  onSend: (text: string) => void;
  onStop: (() => void) | null;
  busy?: boolean;
}

function Frame({ said, moved, draft, onChange, onSend, onStop, busy = false }: FrameProps) {
  const { t } = useTranslation();
  const standing = useStanding().data;
  const terms = useQuery({ ...showChatOptions(), staleTime: Infinity }).data;
  const place = useRef<HTMLDivElement>(null);
  // What was said is read from its end; how to begin, from its top.
  const atEnd = useRef(moved !== "");
  useEffect(() => {
    if (atEnd.current) place.current?.scrollTo({ top: place.current.scrollHeight });
  }, [moved]);
  // What grows without a word, such as messages that were loaded, moves the end as well.
  useEffect(() => {
    const inside = place.current?.firstElementChild;
    if (!inside) return;
    const watch = new ResizeObserver(() => atEnd.current && place.current?.scrollTo({ top: place.current.scrollHeight }));
    watch.observe(inside);
    return () => watch.disconnect();
  }, []);
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <div
        ref={place}
        tabIndex={0}
        role="region"
        aria-label={t("chat.said")}
        onScroll={({ currentTarget: at }) => (atEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_PX)}
        // Positioned, lest what only a screen reader sees make the page longer than the window.
        className="relative min-h-0 flex-1 overflow-y-auto"
      >
        <div className="mx-auto min-h-full max-w-3xl">{said}</div>
      </div>
      <div className="mx-auto w-full max-w-3xl space-y-3">
        <Standing balance={standing} />
        <Box
          draft={draft}
          onChange={onChange}
          onSend={(text) => {
            atEnd.current = true;
            onSend(text);
          }}
          onStop={onStop}
          barred={busy || barOf(standing) !== null}
          lengthMax={terms?.message_chars_max}
        />
      </div>
    </div>
  );
}

function Said({ session, turn }: { session: string; turn: Turn | null }) {
  const { t } = useTranslation();
  const asked = messagesOf(session);
  const pages = usePages(listChatMessagesInfiniteOptions(asked), {
    // A question without an answer may be getting one, somewhere else.
    refetchInterval: (query) => !turn && query.state.data?.pages[0]?.items[0]?.role === "user" && LIVE_MS,
  });
  return (
    <Answer of={pages} rows={6}>
      {(data) => {
        const listed = data.toReversed();
        const messages = turn ? behind(listed, turn) : listed;
        return (
          <>
            {pages.hasNextPage && (
              <Button kind="quiet" className="mb-4 w-full" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
                {t("chat.earlier")}
              </Button>
            )}
            <ol className="space-y-5 py-2">
              {messages.map((one, place) =>
                one.role === "user" ? (
                  <Question key={one.seq} text={one.content} {...(messages[place + 1]?.role === "assistant" ? {} : { note: t("chat.unanswered") })} />
                ) : (
                  <Reply key={one.seq} text={one.content}>
                    <Below message={one} />
                  </Reply>
                ),
              )}
              {turn && <Coming turn={turn} />}
            </ol>
          </>
        );
      }}
    </Answer>
  );
}

/** What was said before a turn: the service may list its question already, or all of it. */
function behind(listed: Message[], turn: Turn): Message[] {
  const seq = turn.seq;
  if (seq !== null) return listed.filter((one) => one.seq < seq);
  const last = listed.at(-1);
  return last?.role === "user" && last.content === turn.question ? listed.slice(0, -1) : listed;
}

function Coming({ turn }: { turn: Turn }) {
  return (
    <>
      <Question text={turn.question} />
      <Reply text={turn.text} coming={turn.answer === null}>
        {turn.answer && <Below message={turn.answer} />}
      </Reply>
    </>
  );
}
