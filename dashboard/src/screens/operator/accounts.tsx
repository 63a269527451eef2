// Accounts among a million: searched as one types, picked by state and plan, each with its line of the report.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { FileUp, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import type { AccountLine, AccountStanding } from "../../api";
import {
  listExhaustedAccountsInfiniteOptions, listPlansOptions, listStandingsInfiniteOptions, showStatisticsOptions,
} from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { Choice, List } from "../../parts/choice";
import { useMoment } from "../../parts/date";
import { Download } from "../../parts/download";
import { usePages } from "../../parts/pages";
import { Empty } from "../../parts/problem";
import { Search } from "../../parts/search";
import { More } from "../../parts/table";
import { may } from "../../places";
import { useMe } from "../../session";
import { Lines, type Line } from "./account/lines";
import { Making } from "./account/making";
import "../../words/accounts";

const PAGE = 50;
/** A page with a filter may be short: it goes on by itself until so many are found. */
const ENOUGH = 10;
const VIEWS = ["all", "used", "gone"] as const;
const STATES = ["active", "suspended", "closed"] as const;
type State = (typeof STATES)[number];

export default function Screen() {
  const { t } = useTranslation();
  const me = useMe();
  const [asked, setAsked] = useSearchParams();
  const [making, setMaking] = useState(false);
  const plans = useQuery(listPlansOptions()).data?.items ?? [];
  const view = VIEWS.find((one) => one === asked.get("view")) ?? "all";
  const ask = (name: string, value: string) =>
    setAsked(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        return before;
      },
      { replace: true },
    );
  return (
    <>
      <Head title={t("nav.accounts")}>
        <div className="flex flex-wrap gap-2">
          <Download href="/api/v1/statistics/accounts.csv" />
          <Link
            to="/operator/imports"
            className="inline-flex min-h-10 items-center justify-center gap-2 rounded-lg border border-line bg-panel px-4 text-sm font-medium hover:bg-sunk"
          >
            <FileUp aria-hidden className="size-4" />
            {t("accounts.import")}
          </Link>
          {may(me, "operator") && (
            <Button onClick={() => setMaking(true)}>
              <Plus aria-hidden className="size-4" />
              {t("accounts.make")}
            </Button>
          )}
        </div>
      </Head>
      <div className="mb-4 flex">
        <Choice
          label={t("accounts.view")}
          value={view}
          onChange={(one) => ask("view", one === "all" ? "" : one)}
          options={VIEWS.map((one) => ({ value: one, title: t(`accounts.views.${one}`) }))}
        />
      </div>
      {view === "used" ? (
        <UsedMost />
      ) : view === "gone" ? (
        <NothingLeft />
      ) : (
        <Found search={asked.get("search") ?? ""} state={asked.get("state") ?? ""} plan={asked.get("plan") ?? ""} plans={plans.map(({ name }) => name)} onAsk={ask} />
      )}
      <Making open={making} onClose={() => setMaking(false)} plans={plans} />
    </>
  );
}

interface Wanted {
  search: string;
  state: string;
  plan: string;
  plans: readonly string[];
  onAsk: (name: string, value: string) => void;
}

function Found({ search, state, plan, plans, onAsk }: Wanted) {
  const { t } = useTranslation();
  const wanted = { query: { limit: PAGE, search, plan, state: STATES.find((one) => one === state) ?? (null as State | null) } };
  const found = usePages(listStandingsInfiniteOptions(wanted), { placeholderData: keepPreviousData });
  const lines = found.data?.map(lineOf) ?? [];
  const short = lines.length < ENOUGH && found.hasNextPage && !found.isFetchingNextPage && !found.isError;
  const { fetchNextPage } = found;
  useEffect(() => {
    if (short) void fetchNextPage();
  }, [short, fetchNextPage]);
  const some = (options: readonly string[], title: (one: string) => string) => [
    { value: "", title: t("form.all") },
    ...options.map((one) => ({ value: one, title: title(one) })),
  ];
  return (
    <>
      <div role="search" className="mb-4 grid grid-cols-2 gap-3 sm:grid-cols-[1fr_10rem_12rem]">
        <div className="col-span-2 sm:col-span-1">
          <Search label={t("accounts.search")} value={search} maxLength={200} onRest={(text) => onAsk("search", text)} />
        </div>
        <List label={t("accounts.state")} value={state} options={some(STATES, (one) => t(`accounts.states.${one}`))} onChange={(one) => onAsk("state", one)} />
        <List label={t("accounts.plan")} value={plan} options={some(plans, (one) => one)} onChange={(one) => onAsk("plan", one)} />
      </div>
      <Answer of={found} rows={8}>
        {() => (
          <>
            {lines.length > 0 ? (
              <Lines lines={lines} busy={found.isPlaceholderData} />
            ) : found.hasNextPage ? (
              <p role="status" className="py-8 text-center text-soft">{t("accounts.looking")}</p>
            ) : (
              <Empty>{t("accounts.none")}</Empty>
            )}
            <More of={found} />
          </>
        )}
      </Answer>
    </>
  );
}

/** The accounts that used most in their period, as it was found out at most ten minutes ago. */
function UsedMost() {
  const { t } = useTranslation();
  const moment = useMoment();
  const found = useQuery(showStatisticsOptions({ query: { top: 100 } }));
  return (
    <Answer of={found} rows={8}>
      {(data) => (
        <>
          <p className="mb-2 text-sm text-soft">{t("accounts.cached", { at: moment(data.cached_at) })}</p>
          {data.top.length > 0 ? <Lines lines={data.top.map(reported)} /> : <Empty>{t("accounts.none")}</Empty>}
        </>
      )}
    </Answer>
  );
}

function NothingLeft() {
  const { t } = useTranslation();
  const wanted = { query: { limit: PAGE } };
  const found = usePages(listExhaustedAccountsInfiniteOptions(wanted));
  return (
    <Answer of={found} rows={8}>
      {(data) => {
        const lines = data.map(reported);
        return (
          <>
            {lines.length > 0 ? <Lines lines={lines} /> : <Empty>{t("accounts.none")}</Empty>}
            <More of={found} />
          </>
        );
      }}
    </Answer>
  );
}

function lineOf({ account: { ref, name, email, plan, state }, figures }: AccountStanding): Line {
  return { ref, name, email, plan, state, figures };
}

function reported(figures: AccountLine): Line {
  return { ref: figures.account, name: figures.name, email: figures.email, plan: figures.plan, state: figures.state, figures };
}
