// Endpoints: where notices go besides the pages, whose and which, and whether they are in use.
import { KeyRound, Power, Send } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Endpoint } from "../../../api";
import { listEndpointsInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { useMoment } from "../../../parts/date";
import { Dialog } from "../../../parts/dialog";
import { Badge } from "../../../parts/figure";
import { LIVE_MS } from "../../../parts/live";
import { usePages } from "../../../parts/pages";
import { More, Table } from "../../../parts/table";
import { placeOf } from "../account/lines";
import { Rotating, Switching, Trying } from "./acts";

const PAGE = 50;

export function Endpoints({ operates }: { operates: boolean }) {
  const [chosen, setChosen] = useState<Endpoint | null>(null);
  const asked = { query: { limit: PAGE } };
  const pages = usePages(listEndpointsInfiniteOptions(asked), { refetchInterval: LIVE_MS });
  return (
    <>
      <Answer of={pages} rows={4}>
        {(lines) => <Lines lines={lines} onChoose={operates ? setChosen : undefined} />}
      </Answer>
      <More of={pages} />
      {chosen && <Changing endpoint={chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

function Lines({ lines, onChoose }: { lines: readonly Endpoint[]; onChoose: ((one: Endpoint) => void) | undefined }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const action = {
    name: "act",
    title: "",
    cell: (one: Endpoint) => (
      <Button kind="plain" className="min-h-8 px-3" aria-label={t("endpoints.actOf", { name: one.name })} onClick={() => onChoose?.(one)}>
        {t("endpoints.act")}
      </Button>
    ),
  };
  return (
    <Table
      caption={t("endpoints.caption")}
      rows={lines}
      keyOf={(one) => one.id}
      empty={t("endpoints.none")}
      columns={[
        {
          name: "name",
          title: t("endpoints.name"),
          cell: (one) => (
            <>
              <span className="block min-w-32 font-medium break-words">{one.name}</span>
              <span className="block break-all text-soft">{one.place}</span>
            </>
          ),
        },
        {
          name: "account",
          title: t("endpoints.account"),
          cell: (one) =>
            one.account ? (
              <Link to={placeOf(one.account)} className="block min-w-20 break-words text-brand underline">
                {one.account}
              </Link>
            ) : (
              t("endpoints.everybody")
            ),
        },
        { name: "kinds", title: t("endpoints.kinds"), from: "md", cell: (one) => one.kinds.map((kind) => t(`endpoints.kind.${kind}`)).join(", ") || t("endpoints.all") },
        { name: "state", title: t("endpoints.state"), cell: (one) => <State of={one} /> },
        {
          name: "made",
          title: t("endpoints.made"),
          from: "lg",
          cell: (one) => (
            <>
              {moment(one.created_at)}
              <span className="block break-all text-soft">{t("endpoints.madeBy", { actor: one.created_by })}</span>
            </>
          ),
        },
        ...(onChoose ? [action] : []),
      ]}
    />
  );
}

function State({ of: { state, disabled_at: at, disabled_why: why } }: { of: Endpoint }) {
  const { t } = useTranslation();
  const moment = useMoment();
  return (
    <>
      <Badge tone={state === "active" ? "good" : "warn"}>{t(`endpoints.states.${state}`)}</Badge>
      {why && <span className="mt-1 block min-w-24 break-words">{why}</span>}
      {at && <span className="block text-xs whitespace-nowrap text-soft">{moment(at)}</span>}
    </>
  );
}

/** What can be done with an endpoint: one window to choose, and then the window of that. */
function Changing({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const { t } = useTranslation();
  const [what, setWhat] = useState<"try" | "rotate" | "switch" | null>(null);
  if (what === "try") return <Trying endpoint={endpoint} onClose={onClose} />;
  if (what === "rotate") return <Rotating endpoint={endpoint} onClose={onClose} />;
  if (what === "switch") return <Switching endpoint={endpoint} onClose={onClose} />;
  const ways = [
    { what: "try", icon: Send, title: t("endpoints.try") },
    ...(endpoint.channel === "webhook" ? [{ what: "rotate", icon: KeyRound, title: t("endpoints.rotate") } as const] : []),
    { what: "switch", icon: Power, title: t(endpoint.state === "active" ? "endpoints.disable" : "endpoints.enable") },
  ] as const;
  return (
    <Dialog open onClose={onClose} title={endpoint.name} lead={endpoint.place}>
      <div className="grid gap-2">
        {ways.map(({ what: one, icon: Icon, title }) => (
          <Button key={one} kind="plain" className="justify-start" onClick={() => setWhat(one)}>
            <Icon aria-hidden className="size-4" />
            {title}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}
