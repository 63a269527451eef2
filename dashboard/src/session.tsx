// Who looks at these pages: asked once, and again after signing in and out.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, type ReactNode } from "react";
import { Navigate, useLocation } from "react-router";

import { signOut } from "./api";
import { showMeOptions, showMeQueryKey } from "./api/@tanstack/react-query.gen";
import type { Me } from "./api";
import { knowCsrf } from "./client";
import { Failed, isProblem, Loading } from "./parts/problem";

const Session = createContext<Me | null>(null);
const UNAUTHENTICATED = 401;

/** Shows its children to whoever is signed in, and the way in to everybody else. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { data, error, isPending, refetch } = useQuery({ ...showMeOptions(), staleTime: Infinity, retry: false });
  const { pathname } = useLocation();
  if (isPending) return <div className="mx-auto max-w-md p-8"><Loading /></div>;
  if (isProblem(error) && error.status === UNAUTHENTICATED) return <Navigate to="/sign-in" state={pathname} replace />;
  if (error) return <div className="mx-auto max-w-md p-8"><Failed error={error} again={refetch} /></div>;
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
    queries.setQueryData(showMeQueryKey(), me);
  };
}

/** Returns what ends the session, and forgets everything that was seen in it. */
export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    await signOut();
    knowCsrf(null);
    queries.clear();
  };
}
