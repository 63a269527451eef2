// Coupons: codes that give credit or take something off a price; who used each, new ones, and their end.
import { keepPreviousData } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import type { Coupon } from "../../api";
import { listCouponsInfiniteOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { List } from "../../parts/choice";
import { useDate } from "../../parts/date";
import { Download } from "../../parts/download";
import { LIVE_MS } from "../../parts/live";
import { usePages } from "../../parts/pages";
import { Empty } from "../../parts/problem";
import { Search } from "../../parts/search";
import { More, Table } from "../../parts/table";
import { may } from "../../places";
import { useMe } from "../../session";
import { Gives, State, Uses } from "./coupons/coupon";
import { Making } from "./coupons/making";
import { Ending, Users } from "./coupons/users";
import "../../words/coupons";

const PAGE = 50;
const STATES = ["active", "waiting", "expired", "used up", "ended"] as const;

export default function Screen() {
  const { t } = useTranslation();
  const [asked, setAsked] = useSearchParams();
  const [making, setMaking] = useState(false);
  const operates = may(useMe(), "operator");
  const search = asked.get("search") ?? "";
  const state = STATES.find((one) => one === asked.get("state"));
  const ask = (name: string, value: string) =>
    setAsked(
      (before) => {
        if (value) before.set(name, value);
        else before.delete(name);
        return before;
      },
      { replace: true },
    );
  const wanted = new URLSearchParams({ ...(search && { search }), ...(state && { state }) });
  return (
    <>
      <Head title={t("nav.coupons")}>
        <div className="flex flex-wrap gap-2">
          <Download href={`/api/v1/coupons.csv?${wanted}`} />
          {operates && (
            <Button onClick={() => setMaking(true)}>
              <Plus aria-hidden className="size-4" />
              {t("coupons.make")}
            </Button>
          )}
        </div>
      </Head>
      <p className="-mt-4 mb-6 text-soft">{t("coupons.lead")}</p>
      <div role="search" className="mb-4 grid grid-cols-[1fr_9rem] gap-3 sm:grid-cols-[1fr_12rem]">
        <Search label={t("coupons.search")} value={search} maxLength={100} onRest={(text) => ask("search", text)} />
        <List
          label={t("coupons.state")}
          value={state ?? ""}
          options={[{ value: "", title: t("form.all") }, ...STATES.map((one) => ({ value: one, title: t(`coupons.states.${one}`) }))]}
          onChange={(one) => ask("state", one)}
        />
      </div>
      <Found search={search} state={state} operates={operates} />
      {making && <Making onClose={() => setMaking(false)} />}
    </>
  );
}

function Found({ search, state, operates }: { search: string; state: Coupon["state"] | undefined; operates: boolean }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState("");
  const [ending, setEnding] = useState<Coupon | null>(null);
  const asked = { query: { limit: PAGE, search, ...(state && { state }) } };
  const pages = usePages(listCouponsInfiniteOptions(asked), { placeholderData: keepPreviousData, refetchInterval: LIVE_MS });
  const coupons = pages.data ?? [];
  const chosen = coupons.find((one) => one.code === shown);
  return (
    <>
      <Answer of={pages} rows={6}>
        {() =>
          coupons.length > 0 ? (
            <div aria-busy={pages.isPlaceholderData}>
              <Coupons coupons={coupons} onShow={setShown} onEnd={operates ? setEnding : undefined} />
            </div>
          ) : (
            <Empty>{t(search || state ? "coupons.noneSo" : "coupons.none")}</Empty>
          )
        }
      </Answer>
      <More of={pages} />
      {chosen && <Users coupon={chosen} onClose={() => setShown("")} />}
      {ending && <Ending code={ending.code} onClose={() => setEnding(null)} />}
    </>
  );
}

interface Props {
  coupons: readonly Coupon[];
  onShow: (code: string) => void;
  onEnd: ((coupon: Coupon) => void) | undefined;
}

function Coupons({ coupons, onShow, onEnd }: Props) {
  const { t } = useTranslation();
  const action = {
    name: "act",
    title: "",
    figure: true,
    cell: (one: Coupon) =>
      one.state !== "ended" && (
        <Button kind="plain" className="min-h-8 px-3" aria-label={t("coupons.endOf", { code: one.code })} onClick={() => onEnd?.(one)}>
          {t("coupons.ending")}
        </Button>
      ),
  };
  return (
    <Table
      caption={t("coupons.caption")}
      rows={coupons}
      keyOf={(one) => one.code}
      columns={[
        {
          name: "code",
          title: t("coupons.code"),
          cell: (one) => (
            <>
              <button type="button" aria-label={t("coupons.show", { code: one.code })} onClick={() => onShow(one.code)} className="text-left font-mono font-medium break-all text-brand underline-offset-2 hover:underline">
                {one.code}
              </button>
              {one.note && <span className="block min-w-32 text-soft">{one.note}</span>}
            </>
          ),
        },
        { name: "state", title: t("coupons.state"), cell: (one) => <State of={one} /> },
        { name: "used", title: t("coupons.used"), figure: true, cell: (one) => <Uses of={one} /> },
        { name: "gives", title: t("coupons.gives"), cell: (one) => <Gives of={one} /> },
        { name: "valid", title: t("coupons.valid"), from: "md", cell: (one) => <Valid of={one} /> },
        ...(onEnd ? [action] : []),
      ]}
    />
  );
}

function Valid({ of: { state, valid_from: from, valid_until: until } }: { of: Coupon }) {
  const { t } = useTranslation();
  const date = useDate();
  const said = [...(state === "waiting" ? [t("coupons.from", { at: date(from) })] : []), until ? t("coupons.until", { at: date(until) }) : t("coupons.always")];
  return <>{said.join(" · ")}</>;
}
