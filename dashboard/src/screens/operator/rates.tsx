// Rates: those in force, the history of one model, and those that wait for a decision.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { listHeldRatesOptions } from "../../api/@tanstack/react-query.gen";
import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { may } from "../../places";
import { useMe } from "../../session";
import { Adding, Importing } from "./rates/adding";
import { History } from "./rates/history";
import { Held } from "./rates/held";
import { InForce } from "./rates/in-force";
import "../../words/rates";

export default function Rates() {
  const { t } = useTranslation();
  const me = useMe();
  const [place, go] = useSearchParams();
  const [act, doing] = useState<"add" | "import" | null>(null);
  const held = useQuery(listHeldRatesOptions());
  const model = place.get("model");
  const view = place.get("view") === "held" ? "held" : "now";
  const waiting = held.data && held.data.items.length > 0 ? ` (${held.data.items.length})` : "";
  return (
    <>
      <Head title={t("nav.rates")}>
        {may(me, "operator") && (
          <div className="flex flex-wrap gap-2">
            <Button kind="plain" onClick={() => doing("import")}>
              {t("rates.import")}
            </Button>
            <Button onClick={() => doing("add")}>{t("rates.add")}</Button>
          </div>
        )}
      </Head>
      <p className="-mt-4 mb-6 text-soft">{t("rates.lead")}</p>
      {model ? (
        <History model={model} onBack={() => go({})} />
      ) : (
        <>
          <div className="mb-6 flex">
            <Choice
              label={t("rates.view")}
              value={view}
              onChange={(next) => go(next === "held" ? { view: "held" } : {})}
              options={[
                { value: "now", title: t("rates.tabs.now") },
                { value: "held", title: `${t("rates.tabs.held")}${waiting}` },
              ]}
            />
          </div>
          {view === "held" ? <Held of={held} /> : <InForce />}
        </>
      )}
      <Adding open={act === "add"} onClose={() => doing(null)} />
      <Importing open={act === "import"} onClose={() => doing(null)} />
    </>
  );
}
