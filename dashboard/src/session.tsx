// Who looks at these pages: asked once, again after signing in and out, and forgotten when the API knows them no more.
import { QueryCache, QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, useLocation, useNavigate } from "react-router";

import { signOut } from "./api";
import { showMeOptions, showMeQueryKey } from "./api/@tanstack/react-query.gen";
import type { Me } from "./api";
import { forgetSession, knowCsrf, seemsSignedIn } from "./client";
import { Head } from "./parts/card";
import { Failed, isProblem, Loading } from "./parts/problem";
import { isLanguage, speak } from "./words";

const Session = createContext<Me | null>(null);
const UNAUTHENTICATED = 401;
const SERVER_FAULT = 500;

function isOver(error: unknown): boolean {
  return isProblem(error) && error.status === UNAUTHENTICATED;
}

/** Returns what remembers the API's answers; an answer that there is no session any more leads to the way in. */
export function answers(): QueryClient {
  const queries = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (!isOver(error)) return;
        forgetSession();
        queries.getQueryCache().find({ queryKey: showMeQueryKey() })?.reset();
      },
    }),
    defaultOptions: {
      // A no of the service stays one; only its faults and an absent network are worth another try. Without a network
      // a question fails, instead of waiting for one in silence.
      queries: { networkMode: "always", refetchOnReconnect: true, retry: (times, error) => times < 2 && (!isProblem(error) || error.status >= SERVER_FAULT) },
      mutations: { networkMode: "always" },
    },
  });
  return queries;
}

/** Shows its children to whoever is signed in, and the way in to everybody else. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const here = seemsSignedIn();
  const { data, error, refetch } = useQuery({ ...showMeOptions(), enabled: here, staleTime: Infinity, retry: false });
  const { pathname } = useLocation();
  if (!here || isOver(error)) return <Navigate to="/sign-in" state={pathname} replace />;
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
