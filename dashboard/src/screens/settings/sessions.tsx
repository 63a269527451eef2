// Where somebody is signed in, and the way to sign out everywhere else.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MonitorSmartphone } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { MySession } from "../../api";
import { listMySessionsOptions, listMySessionsQueryKey, signOutOthersMutation } from "../../api/@tanstack/react-query.gen";
import { Act } from "../../parts/act";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { useMoment } from "../../parts/date";
import { Badge } from "../../parts/figure";
import { useTell } from "../../parts/told";
import "../../words/settings";

const BROWSERS = ["Edg", "OPR", "SamsungBrowser", "Whale", "Firefox", "Chrome", "Safari"] as const;
const CALLED: Partial<Record<string, string>> = { Edg: "Edge", OPR: "Opera", SamsungBrowser: "Samsung Internet" };
const SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"] as const;

export function Sessions() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const sessions = useQuery(listMySessionsOptions());
  const [asking, setAsking] = useState(false);
  const end = useMutation({
    ...signOutOthersMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: listMySessionsQueryKey() });
      setAsking(false);
      tell({ title: t("settings.othersDone") });
    },
  });
  return (
    <Card title={t("settings.sessions")}>
      <Answer of={sessions}>
        {({ items }) => (
          <>
            <ul className="divide-y divide-line">
              {items.map((one, place) => (
                <Row key={place} session={one} />
              ))}
            </ul>
            {items.length > 1 && (
              <Button kind="plain" className="mt-4" onClick={() => setAsking(true)}>
                {t("settings.others")}
              </Button>
            )}
          </>
        )}
      </Answer>
      <Act
        open={asking}
        onClose={() => setAsking(false)}
        title={t("settings.othersTitle")}
        lead={t("settings.othersLead")}
        verb={t("settings.others")}
        grave
        does={end}
        onSend={() => end.mutate({})}
      />
    </Card>
  );
}

function Row({ session }: { session: MySession }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <li className="flex gap-3 py-3 first:pt-0">
      <MonitorSmartphone aria-hidden className="mt-0.5 size-4 shrink-0 text-soft" />
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 text-sm font-medium" title={session.agent}>
          {named(session.agent) || t("settings.unknownAgent")}
          {session.present && <Badge tone="good">{t("settings.here")}</Badge>}
        </p>
        <p className="text-sm wrap-anywhere text-soft">
          {[session.address, t("time.lastUsed", { at: moment(session.seen_at) }), t("settings.begun", { at: moment(session.created_at) })].filter(Boolean).join(" · ")}
        </p>
      </div>
    </li>
  );
}

/** Returns what people call a browser, from the long line that it sends; a short line as it is. */
function named(agent: string): string {
  const browser = BROWSERS.find((one) => agent.includes(`${one}/`));
  if (!browser) return agent.slice(0, 60);
  const system = SYSTEMS.find((one) => agent.includes(one));
  return [CALLED[browser] ?? browser, system].filter(Boolean).join(", ");
}
