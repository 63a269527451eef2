// One account: who it is, how it stands, what happened to it, and what an operator can do about it.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";

import type { Account } from "../../api";
import { showAccountOptions, showAccountPathOptions, showBalanceOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Back } from "../../parts/back";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { useDate } from "../../parts/date";
import { LIVE_MS } from "../../parts/live";
import { Empty } from "../../parts/problem";
import { may } from "../../places";
import { useMe } from "../../session";
import { Access } from "./account/access";
import { Adjusting, Granting } from "./account/credit-acts";
import { Dealings } from "./account/dealings";
import { Journal } from "./account/journal";
import { Stand } from "./account/lines";
import { Standing } from "./account/standing";
import { Correcting, PlanChange, StateChange } from "./account/term-acts";
import "../../words/accounts";
import "../../words/account";
import "../../words/usage";

const PARTS = { standing: Standing, history: Journal, access: Access, dealings: Dealings } as const;
type View = keyof typeof PARTS;
const VIEWS = Object.keys(PARTS) as View[];

export default function Screen() {
  const { t } = useTranslation();
  const { ref = "" } = useParams();
  const account = useQuery({ ...showAccountOptions({ path: { ref } }), refetchInterval: LIVE_MS });
  return (
    <>
      <Back to="/operator/accounts">{t("account.back")}</Back>
      {account.data === undefined && <Head title={ref} />}
      <Answer of={account} rows={6}>
        {(data) => <One key={data.ref} account={data} />}
      </Answer>
    </>
  );
}

function One({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useSearchParams();
  const view = VIEWS.find((one) => one === asked.get("view")) ?? "standing";
  const Part = PARTS[view];
  return (
    <>
      <Top account={account} />
      {account.state === null ? (
        <Empty>{t("account.waits")}</Empty>
      ) : (
        <>
          <div className="mb-6 flex">
            <Choice
              label={t("account.view")}
              value={view}
              onChange={(one) => setAsked(one === "standing" ? {} : { view: one }, { replace: true })}
              options={VIEWS.map((one) => ({ value: one, title: t(`account.views.${one}`) }))}
            />
          </div>
          <Part account={account} />
        </>
      )}
    </>
  );
}

/** Who it is and how it stands, in short; and what can be done. */
function Top({ account }: { account: Account }) {
  const path = { ref: account.ref };
  const level = useQuery({ ...showBalanceOptions({ path }), enabled: account.state !== null, refetchInterval: LIVE_MS }).data?.level;
  return (
    <>
      <Head title={account.ref}>
        <Actions account={account} />
      </Head>
      <div className="-mt-3 mb-6 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-soft">
        <Stand state={account.state} level={level} />
        {account.name && <span className="text-ink">{account.name}</span>}
        <Facts account={account} />
      </div>
    </>
  );
}

function Facts({ account }: { account: Account }) {
  const { t } = useTranslation();
  const date = useDate();
  const way = useQuery(showAccountPathOptions({ path: { ref: account.ref } })).data;
  const own = way && (way.payer === account.ref ? t("account.fact.ownYes") : t("account.fact.ownNo", { payer: way.payer }));
  const facts = [
    ["kind", t(`accounts.kinds.${account.kind}`)],
    ["email", account.email],
    ["own", own],
    ["locale", account.locale],
    ["zone", account.time_zone],
    ["tags", Object.entries(account.tags).map((one) => one.join(": ")).join(", ")],
    ["since", date(account.created_at)],
  ].filter(([, value]) => value);
  return (
    <dl aria-label={t("account.facts")} className="contents">
      {facts.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="shrink-0">{t(`account.fact.${name}`)}</dt>
          <dd className="text-ink break-all">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Action = "grant" | "adjust" | "plan" | "state" | "correct";

function Actions({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<Action | null>(null);
  if (!may(useMe(), "operator")) return null;
  const close = () => setOpen(null);
  const shown: [Action, string][] = [
    ["grant", t("account.grant")],
    ["adjust", t("account.adjust")],
    ["plan", t("account.plan")],
    ["state", t(account.state === "active" ? "account.suspend" : "account.resume")],
    ["correct", t("account.correct")],
  ];
  return (
    <div className="flex flex-wrap gap-2">
      {shown
        .filter(([action]) => account.state !== null || action === "correct")
        .map(([action, title]) => (
          <Button key={action} kind={action === "grant" ? "main" : "plain"} onClick={() => setOpen(action)}>
            {title}
          </Button>
        ))}
      {open === "grant" && <Granting account={account.ref} onClose={close} />}
      {open === "adjust" && <Adjusting account={account.ref} onClose={close} />}
      {open === "plan" && <PlanChange account={account} onClose={close} />}
      {open === "state" && <StateChange account={account} onClose={close} />}
      {open === "correct" && <Correcting account={account} onClose={close} />}
    </div>
  );
}
