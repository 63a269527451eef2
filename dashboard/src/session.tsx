// Who looks at these pages: asked once, again after signing in and out, and forgotten when the API knows them no more.
import { MutationCache, QueryCache, QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, useLocation, useNavigate } from "react-router";

import { signOut } from "./api";
import { showMeOptions, showMeQueryKey } from "./api/@tanstack/react-query.gen";
import type { Me } from "./api";
import { forgetSession, hasEnded, knowCsrf, knowEnd, seemsSignedIn } from "./client";
import { Head } from "./parts/card";
import { LIVE_MS } from "./parts/live";
import { Failed, isProblem, Loading } from "./parts/problem";
import { isLanguage, speak } from "./words";

const Session = createContext<Me | null>(null);
const UNAUTHENTICATED = 401;
const SERVER_FAULT = 500;
/** Not found any more, or in conflict with what somebody else has done. */
const OVERTAKEN = [404, 409];

function isOver(error: unknown): boolean {
  return isProblem(error) && error.status === UNAUTHENTICATED;
}

/** Tells whether it is the service that failed, or the way to it, and not the question. */
function isTrouble(error: unknown): boolean {
  return error !== null && (!isProblem(error) || error.status >= SERVER_FAULT);
}

/** Returns what remembers the API's answers; an answer that there is no session any more leads to the way in. */
export function answers(): QueryClient {
  const queries = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (!isOver(error)) return;
        knowEnd();
        queries.getQueryCache().find({ queryKey: showMeQueryKey() })?.reset();
      },
    }),
    mutationCache: new MutationCache({
      // It may be a wrong password, or the end of the session: who one is tells.
      onError: (error) => {
        if (isOver(error)) void queries.invalidateQueries({ queryKey: showMeQueryKey() });
        // Somebody else was faster: what is seen is asked for again.
        else if (isProblem(error) && OVERTAKEN.includes(error.status)) void queries.invalidateQueries();
      },
    }),
    defaultOptions: {
      // A no of the service stays one; only its faults and an absent network are worth another try, at once and, once
      // that is said, by itself again and again. Without a network a question fails, instead of waiting in silence.
      queries: {
        networkMode: "always",
        refetchOnReconnect: true,
        retry: (times, error) => times < 2 && isTrouble(error),
        refetchInterval: ({ state }) => isTrouble(state.error) && LIVE_MS,
      },
      mutations: { networkMode: "always" },
    },
  });
  return queries;
}

/** What the way in is told: where somebody wanted to go, and whether their session ended on the way. */
export interface Sent {
  to: string;
  ended: boolean;
}

/** Shows its children to whoever is signed in, and the way in to everybody else. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const here = seemsSignedIn();
  const { data, error, refetch } = useQuery({ ...showMeOptions(), enabled: here, staleTime: Infinity, retry: false, refetchOnWindowFocus: "always" });
  useOther(data);
  const { pathname, search } = useLocation();
  if (!here || isOver(error)) return <Navigate to="/sign-in" state={{ to: pathname + search, ended: hasEnded() } satisfies Sent} replace />;
  if (data === undefined) {
    return (
      <main className="mx-auto max-w-md px-4 py-10">
        <Head title={t("brand")} />
        {error ? <Failed error={error} again={refetch} /> : <Loading />}
      </main>
    );
  }
  knowCsrf(data.csrf_token);
  return <Session value={data}>{children}</Session>;
}

/** Begins anew when somebody else signed in meanwhile, in another tab: what is shown here is not theirs. */
function useOther(me: Me | undefined): void {
  const first = useRef<string | null>(null);
  useEffect(() => {
    if (me === undefined) return;
    if (first.current !== null && first.current !== me.actor) location.reload();
    first.current = me.actor;
  }, [me]);
}

/** Who is signed in. */
export function useMe(): Me {
  const me = useContext(Session);
  if (me === null) throw new Error("useMe outside of SignedIn");
  return me;
}

/** Returns what remembers a session that just began. */
export function useBegin(): (me: Me) => void {
  const queries = useQueryClient();
  return (me) => {
    knowCsrf(me.csrf_token);
    if (isLanguage(me.locale)) void speak(me.locale);
    queries.setQueryData(showMeQueryKey(), me);
  };
}

/** Returns what ends the session, and forgets everything that was seen in it. */
export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const go = useNavigate();
  return async () => {
    const { error } = await signOut();
    if (error && !isOver(error)) throw error;
    forgetSession();
    await go("/sign-in");
    queries.clear();
  };
}
