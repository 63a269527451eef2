// What is there, before anything is changed: who lacks a balance, and accounts that chat without one.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { CheckReport as Found } from "../../../api";
import { showCheckOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { useCount } from "../../../parts/count";
import { Figure, Figures } from "../../../parts/figure";
import { Said } from "../../../parts/said";
import { Table } from "../../../parts/table";
import { Lines } from "../account/lines";
import "../../../words/accounts";

export function Check() {
  const { t } = useTranslation();
  const check = useQuery(showCheckOptions({ query: { rows: 20 } }));
  return (
    <section aria-labelledby="check" className="space-y-4">
      <h2 id="check" className="text-lg font-semibold">
        {t("integrity.check.title")}
      </h2>
      <Answer of={check} rows={4}>
        {(data) => <Shown found={data} />}
      </Answer>
    </section>
  );
}

function Shown({ found }: { found: Found }) {
  const { t } = useTranslation();
  const count = useCount();
  const { overview } = found;
  const waiting = found.without_balance > 0;
  const three = (name: "used" | "bought") => ({
    title: t(`integrity.check.${name}`),
    figure: overview[name].shown,
    note: t("integrity.check.mean", { mean: overview[`${name}_mean`].shown, most: overview[`${name}_max`].shown }),
  });
  return (
    <div className="space-y-6">
      <Figures>
        <Figure title={t("integrity.check.accounts")} note={t("integrity.check.active", { count: overview.active, shown: count(overview.active) })}>
          {count(overview.accounts)}
        </Figure>
        <Figure title={t("integrity.check.without")} note={<Said>{t(waiting ? "integrity.check.init" : "integrity.check.well")}</Said>}>
          <span className={waiting ? "text-warn" : ""}>
            {count(found.without_balance)} {found.without_balance_percent !== null && <span className="text-base font-normal text-soft">({found.without_balance_percent} %)</span>}
          </span>
        </Figure>
        <Figure title={t("integrity.check.anomalies")} note={t("integrity.check.anomaliesLead")}>
          <span className={found.anomalies > 0 ? "text-bad" : ""}>{count(found.anomalies)}</span>
        </Figure>
        {[three("used"), three("bought")].map(({ title, figure, note }) => (
          <Figure key={title} title={title} note={note}>
            {figure}
          </Figure>
        ))}
        <Figure title={t("integrity.check.turns")} note={t("integrity.check.mean", { mean: overview.turns_mean === 0 && overview.turns > 0 ? "< 1" : count(overview.turns_mean), most: count(overview.turns_max) })}>
          {count(overview.turns)}
        </Figure>
      </Figures>
      {found.strays.length > 0 && (
        <Table
          caption={t("integrity.check.strays")}
          rows={found.strays}
          keyOf={(one) => one.account}
          columns={[
            { name: "account", title: t("integrity.who"), cell: (one) => one.account },
            { name: "email", title: t("integrity.check.email"), cell: (one) => one.email || "–" },
            { name: "sessions", title: t("integrity.check.sessions"), figure: true, cell: (one) => count(one.sessions) },
            { name: "tokens", title: t("integrity.check.tokens"), figure: true, cell: (one) => count(one.tokens) },
          ]}
        />
      )}
      {found.active.length > 0 && (
        <div>
          <h3 className="mb-2 font-medium">{t("integrity.check.most")}</h3>
          <Lines lines={found.active.map((one) => ({ ref: one.account, name: one.name, email: one.email, plan: one.plan, state: one.state, figures: one }))} />
        </div>
      )}
    </div>
  );
}
