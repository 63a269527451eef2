// Notices of the house, where they go besides, and each delivery with what became of it.
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { Button } from "../../parts/button";
import { Head } from "../../parts/card";
import { Choice } from "../../parts/choice";
import { may } from "../../places";
import { useMe } from "../../session";
import { Endpoints } from "./deliveries/endpoints";
import { Making } from "./deliveries/making";
import { Notices } from "./deliveries/notices";
import { Sent } from "./deliveries/sent";
import "../../words/deliveries";

const VIEWS = ["deliveries", "endpoints", "notices"] as const;

export default function Screen() {
  const { t } = useTranslation();
  const [place, go] = useSearchParams();
  const [making, setMaking] = useState(false);
  const operates = may(useMe(), "operator");
  const view = VIEWS.find((one) => one === place.get("view")) ?? "deliveries";
  return (
    <>
      <Head title={t("nav.deliveries")}>
        {operates && (
          <Button onClick={() => setMaking(true)}>
            <Plus aria-hidden className="size-4" />
            {t("endpoints.make")}
          </Button>
        )}
      </Head>
      <p className="-mt-4 mb-6 text-soft">{t("deliveries.lead")}</p>
      <div className="mb-6 flex">
        <Choice
          label={t("deliveries.view")}
          value={view}
          onChange={(next) => go(next === "deliveries" ? {} : { view: next })}
          options={VIEWS.map((one) => ({ value: one, title: t(`deliveries.views.${one}`) }))}
        />
      </div>
      {view === "deliveries" ? <Sent operates={operates} /> : view === "endpoints" ? <Endpoints operates={operates} /> : <Notices />}
      {making && (
        <Making
          onClose={() => setMaking(false)}
          onMade={() => {
            if (view !== "endpoints") go({ view: "endpoints" });
          }}
        />
      )}
    </>
  );
}
