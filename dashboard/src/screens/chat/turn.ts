// A turn on its way: the question, what has come of its answer, and what became of both.
//
// It lives in the cache of queries, so it goes on while somebody looks at another conversation or screen, and is
// forgotten with everything else when they sign out. What the service has kept is always the truth: at the end of
// a turn, however it ended, the messages are asked for again, and the turn steps back behind them.
import { queryOptions, skipToken, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";

import { listChatMessages, sendChatMessage, type Message, type Warned } from "../../api";
import {
  listChatMessagesInfiniteQueryKey, listChatMessagesQueryKey, listChatSessionsQueryKey, showBalanceQueryKey,
  showChatSessionQueryKey,
} from "../../api/@tanstack/react-query.gen";
import { newKey } from "../../parts/once";
import { eventsOf } from "./events";

export interface Turn {
  question: string;
  text: string;
  /** The question's number, once the answer begins. */
  seq: number | null;
  /** The whole answer, once it is there. */
  answer: Message | null;
}

/** What stands in the box of a conversation, and why it came back there. */
export interface Draft {
  text: string;
  problem?: unknown;
  /** What was sent before, and under which key: sent again as it is, it is the same message, and charged once. */
  sent?: { text: string; key: string };
}

/** What the last answer warned of, and with which figure: it is old when that has changed. */
export interface Told {
  warning: Warned;
  remaining: string;
}

export const NEW = "";
const EMPTY: Draft = { text: "" };
const MINE = { path: { ref: "me" } };
const PAGE = 50;
const LOOKS = 20;
const LOOK_MS = 250;

const turnKey = (session: string) => ["chat", "turn", session];
const draftKey = (session: string) => ["chat", "draft", session];
const toldKey = ["chat", "told"];
const stops = new Map<string, AbortController>();

/** What is kept beside the answers of the API, and never asked for. */
function kept<T>(queryKey: readonly unknown[]) {
  return queryOptions<T>({ queryKey, queryFn: skipToken, staleTime: Infinity, gcTime: Infinity });
}

/** What is asked for of a conversation: its end first. */
export const messagesOf = (session: string) => ({ path: { session }, query: { newest_first: true, limit: PAGE } });

/** Returns the turn of a conversation that is on its way. */
export function useTurn(session: string): Turn | null {
  return useQuery(kept<Turn | null>(turnKey(session))).data ?? null;
}

/** Returns what stands in a conversation's box, and what changes it. */
export function useDraft(session: string): [Draft, (draft: Draft) => void] {
  const queries = useQueryClient();
  const draft = useQuery(kept<Draft>(draftKey(session))).data ?? EMPTY;
  return [draft, (next) => queries.setQueryData(draftKey(session), next)];
}

/** Returns what the last answer warned of. */
export function useTold(): Told | null {
  return useQuery(kept<Told | null>(toldKey)).data ?? null;
}

/** Ends an answer that is on its way; what has come of it stays, and is charged. */
export function stop(session: string): void {
  stops.get(session)?.abort();
}

/** Says something in a conversation, and follows the answer to its end. Never throws: what went wrong stands at the box. */
export async function say(queries: QueryClient, session: string, draft: Draft): Promise<void> {
  const text = draft.text;
  const key = draft.sent?.text === text ? draft.sent.key : newKey();
  const stopping = new AbortController();
  stops.set(session, stopping);
  let turn: Turn = { question: text, text: "", seq: null, answer: null };
  const show = (change: Partial<Turn>) => {
    turn = { ...turn, ...change };
    queries.setQueryData(turnKey(session), turn);
  };
  queries.setQueryData(draftKey(session), EMPTY);
  show({});
  try {
    const { data } = await sendChatMessage({
      path: { session },
      body: { message: text, stream: true },
      headers: { "Idempotency-Key": key },
      parseAs: "stream",
      signal: stopping.signal,
      throwOnError: true,
    });
    for await (const event of eventsOf(data as unknown as ReadableStream<Uint8Array>)) {
      if (event.name === "start") show({ seq: event.data.seq });
      else if (event.name === "delta") show({ text: turn.text + event.data.text });
      else if (event.name === "error") throw event.data;
      else {
        const { message, balance, warning } = event.data;
        queries.setQueryData(showBalanceQueryKey(MINE), balance);
        queries.setQueryData(toldKey, warning && { warning, remaining: balance.remaining.value });
        show({ seq: message.seq - 1, text: message.content, answer: message });
      }
    }
    if (turn.answer === null) throw new TypeError("The answer broke off.");
  } catch (problem) {
    // Whoever stopped it knows why.
    const why = stopping.signal.aborted ? undefined : problem;
    const stands = await isKept(session, turn);
    if (!stands) queries.setQueryData(draftKey(session), { text, problem: why, sent: { text, key } });
    else if (why) queries.setQueryData(draftKey(session), { ...EMPTY, problem: why });
  }
  stops.delete(session);
  await refresh(queries, session);
  // An answer that the list could not be asked for stays in sight.
  const listed = queries.getQueryState(listChatMessagesInfiniteQueryKey(messagesOf(session)));
  if (turn.answer === null || listed?.status === "success") queries.setQueryData(turnKey(session), null);
}

/** Tells whether a question that was cut off stands in the conversation; the service settles it in its own time. */
async function isKept(session: string, turn: Turn): Promise<boolean> {
  if (turn.seq === null) return false;
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const { data } = await listChatMessages({ path: { session }, query: { newest_first: true, limit: 10 } });
    const numbers = data?.items.map((one) => one.seq);
    if (numbers?.includes(turn.seq + 1)) return true;
    if (numbers && !numbers.includes(turn.seq)) return false;
    await new Promise((go) => setTimeout(go, LOOK_MS));
  }
  return true;
}

/** Has everything asked for again that a turn changes; what was asked before it ended is too old to wait for. */
function refresh(queries: QueryClient, session: string): Promise<unknown> {
  const changed = [
    listChatMessagesQueryKey({ path: { session } }),
    showChatSessionQueryKey({ path: { session } }),
    listChatSessionsQueryKey(),
    showBalanceQueryKey(MINE),
  ];
  return Promise.all(
    changed.map(async (queryKey) => {
      await queries.cancelQueries({ queryKey });
      await queries.invalidateQueries({ queryKey });
    }),
  );
}
