// A turn on its way: the question, what has come of its answer, and what became of both.
//
// It lives in the cache of queries, so it goes on while somebody looks at another conversation or screen, and is
// forgotten with everything else when they sign out. What the service has kept is always the truth: at the end of
// a turn, however it ended, the messages are asked for again, and the turn steps back behind them.
import { queryOptions, skipToken, useQuery, useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";

import {
  listChatMessages, sendChatMessage, type Conversation, type ListChatMessagesResponse, type Message, type TurnAnswer, type Warned,
} from "../../api";
import {
  listChatMessagesInfiniteQueryKey, listChatMessagesQueryKey, listChatSessionsQueryKey, showBalanceQueryKey,
  showChatSessionQueryKey,
} from "../../api/@tanstack/react-query.gen";
import { newKey } from "../../parts/once";
import { eventsOf } from "./events";

export interface Turn {
  /** Its idempotency key. */
  key: string;
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
  /** Counts how often something else than typing has changed it: the box then shows it anew. */
  version: number;
  problem?: unknown;
  /** Whether an answer had begun that the problem broke off: it is kept, and so is the message. */
  brokeOff?: boolean;
  /** What was sent before, and under which key: sent again as it is, it is the same message, and charged once. */
  sent?: { text: string; key: string };
}

/** What the last answer warned of, and with which figure: it is old when that has changed. */
export interface Told {
  warning: Warned;
  remaining: string;
}

export const NEW = "";
const EMPTY: Draft = { text: "", version: 0 };
const MINE = { path: { ref: "me" } };
const PAGE = 50;
const LOOKS = 20;
const LOOK_MS = 250;

const turnKey = (session: string) => ["chat", "turn", session];
const draftKey = (session: string) => ["chat", "draft", session];
const spokenKey = (session: string) => ["chat", "spoken", session];
const toldKey = ["chat", "told"];
type Listed = InfiniteData<ListChatMessagesResponse>;
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

/** Returns what stands in a conversation's box, and what remembers it while it is typed. */
export function useDraft(session: string): [Draft, (text: string) => void] {
  const queries = useQueryClient();
  const draft = useQuery(kept<Draft>(draftKey(session))).data ?? EMPTY;
  return [draft, (text) => queries.setQueryData<Draft>(draftKey(session), (now = EMPTY) => ({ ...now, text }))];
}

/** Puts something into a conversation's box. */
export function put(queries: QueryClient, session: string, draft: Omit<Draft, "version">): void {
  queries.setQueryData<Draft>(draftKey(session), (now = EMPTY) => ({ ...draft, version: now.version + 1 }));
}

/** Puts a message back that was not answered; what was typed meanwhile stays below it. */
function giveBack(queries: QueryClient, session: string, problem: unknown, sent: { text: string; key: string }): void {
  const typed = queries.getQueryData<Draft>(draftKey(session))?.text ?? "";
  put(queries, session, { text: [sent.text, typed].filter(Boolean).join("\n"), problem, sent });
}

/** Returns what the last answer warned of. */
export function useTold(): Told | null {
  return useQuery(kept<Told | null>(toldKey)).data ?? null;
}

/** Returns the last answer that came, for who has it read out. */
export function useSpoken(session: string): string {
  return useQuery(kept<string>(spokenKey(session))).data ?? "";
}

/** Ends an answer that is on its way; what has come of it stays, and is charged. */
export function stop(session: string): void {
  stops.get(session)?.abort();
}

/** Says something in a conversation, and follows the answer to its end. What went wrong stands at the box. */
export async function say(queries: QueryClient, session: string, text: string, before?: Draft["sent"]): Promise<void> {
  const key = before?.text === text ? before.key : newKey();
  const stopping = new AbortController();
  stops.set(session, stopping);
  let turn: Turn = { key, question: text, text: "", seq: null, answer: null };
  const show = (change: Partial<Turn>) => {
    turn = { ...turn, ...change };
    queries.setQueryData(turnKey(session), turn);
  };
  put(queries, session, { text: "" });
  queries.setQueryData(spokenKey(session), "");
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
      if (event.name === "start") {
        show({ seq: event.data.seq });
        name(queries, session, event.data.title);
      } else if (event.name === "delta") show({ text: turn.text + event.data.text });
      else if (event.name === "error") throw event.data;
      else {
        const { message } = event.data;
        show({ seq: message.seq - 1, text: message.content, answer: message });
        end(queries, session, turn, event.data);
      }
    }
    if (turn.answer === null) throw new TypeError("The answer broke off.");
  } catch (problem) {
    // Whoever stopped it knows why.
    const why = stopping.signal.aborted ? undefined : problem;
    const stands = await isKept(session, turn);
    if (!stands) giveBack(queries, session, why, { text, key });
    else if (why) queries.setQueryData<Draft>(draftKey(session), (now = EMPTY) => ({ ...now, problem: why, brokeOff: true }));
  }
  await refresh(queries, session);
  leave(queries, session, turn);
}

/** Has a conversation called what its first message made of it, here and in the list, before its answer has come. */
function name(queries: QueryClient, session: string, title: string): void {
  const queryKey = showChatSessionQueryKey({ path: { session } });
  const before = queries.getQueryData<Conversation>(queryKey);
  if (before?.title === title) return;
  queries.setQueryData<Conversation>(queryKey, (now) => now && { ...now, title });
  void queries.invalidateQueries({ queryKey: listChatSessionsQueryKey() });
}

/** Takes in what the end of an answer says: where the account stands, what it is warned of, and both messages. */
function end(queries: QueryClient, session: string, turn: Turn, { message, balance, warning }: TurnAnswer): void {
  queries.setQueryData(showBalanceQueryKey(MINE), balance);
  const told: Told | null = warning && { warning, remaining: balance.remaining.value };
  queries.setQueryData(toldKey, told);
  queries.setQueryData(spokenKey(session), message.content);
  const nothing = { model: null, ended: null, usage: null, charge: null };
  const question: Message = { ...nothing, seq: message.seq - 1, role: "user", content: turn.question, at: message.at };
  const listed = listChatMessagesInfiniteQueryKey(messagesOf(session));
  queries.setQueryData<Listed>(listed, (now) => {
    const [first, ...rest] = now?.pages ?? [];
    if (now === undefined || first === undefined) return now;
    const items = [message, question, ...first.items.filter((one) => one.seq < question.seq)];
    return { ...now, pages: [{ ...first, items }, ...rest] };
  });
  // The next message may be said at once.
  if (queries.getQueryData(listed) !== undefined) leave(queries, session, turn);
}

/** Has a turn step back behind the messages, unless the next one has begun. */
function leave(queries: QueryClient, session: string, turn: Turn): void {
  queries.setQueryData<Turn | null>(turnKey(session), (now) => (now?.key === turn.key ? null : now));
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
