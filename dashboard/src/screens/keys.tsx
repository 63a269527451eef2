// API keys: made, shown once, what each of them used, and revoked.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Key, UsagePart } from "../api";
import { listKeysOptions, listKeysQueryKey, revokeKeyMutation, showAccountUsageOptions } from "../api/@tanstack/react-query.gen";
import { Act } from "../parts/act";
import { Answer } from "../parts/answer";
import { Button } from "../parts/button";
import { Head, Vacant } from "../parts/card";
import { useDate, useMoment } from "../parts/date";
import { Badge } from "../parts/figure";
import { LIVE_MS } from "../parts/live";
import { Empty } from "../parts/problem";
import { useTell } from "../parts/told";
import { useMe } from "../session";
import { Making } from "./keys/making";
import "../words/keys";

const MINE = { path: { ref: "me" } };
const LATELY = { ...MINE, query: { every: "day", last: 30, by: "key" } } as const;

export default function Screen() {
  const { t } = useTranslation();
  const { account } = useMe();
  return account === null ? <Vacant title={t("nav.keys")}>{t("state.noAccount")}</Vacant> : <Keys />;
}

function Keys() {
  const { t } = useTranslation();
  const keys = useQuery({ ...listKeysOptions(MINE), refetchInterval: LIVE_MS });
  const used = useQuery({ ...showAccountUsageOptions(LATELY), refetchInterval: LIVE_MS });
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  return (
    <>
      <Head title={t("nav.keys")}>
        <Button onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-4" />
          {t("keys.make")}
        </Button>
      </Head>
      <Answer of={keys}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("keys.none")}</Empty>
          ) : (
            <ul className="divide-y divide-line rounded-card border border-line bg-panel">
              {items.map((key) => (
                <Row
                  key={key.id}
                  held={key}
                  used={used.data?.parts.find((part) => part.api_key === key.prefix)}
                  onRevoke={() => setRevoking(key)}
                />
              ))}
            </ul>
          )
        }
      </Answer>
      <Making open={making} onClose={() => setMaking(false)} />
      <Revoking held={revoking} onClose={() => setRevoking(null)} />
    </>
  );
}

function Row({ held, used, onRevoke }: { held: Key; used: UsagePart | undefined; onRevoke: () => void }) {
  const { t } = useTranslation();
  const active = held.state === "active";
  const name = held.name || held.prefix;
  return (
    <li className="grid gap-x-6 gap-y-3 px-5 py-4 sm:grid-cols-[minmax(0,1fr)_auto_auto] sm:items-center">
      <div className="flex min-w-0 gap-3">
        <KeyRound aria-hidden className={`mt-1 size-4 shrink-0 ${active ? "text-brand" : "text-soft"}`} />
        <div className="min-w-0">
          <p className="flex flex-wrap items-center gap-2">
            <span className={`font-medium wrap-anywhere ${active ? "" : "text-soft"}`}>{held.name || t("keys.unnamed")}</span>
            <Badge tone={active ? "good" : "plain"}>{t(`keys.state.${held.state}`)}</Badge>
          </p>
          <Facts held={held} />
        </div>
      </div>
      <div className="pl-7 sm:pl-0 sm:text-right">
        {used && <p className="font-medium">{used.charged.shown}</p>}
        <p className="text-sm text-soft">
          {t("keys.lately")}: {t("keys.turns", { count: used?.turns ?? 0 })} ·{" "}
          <Link to={`/history?key=${encodeURIComponent(held.prefix)}`} aria-label={t("keys.history", { name })} className="text-brand underline">
            {t("nav.history")}
          </Link>
        </p>
      </div>
      <div className="pl-7 sm:pl-0">
        {active && (
          <Button kind="plain" aria-label={t("keys.revokeOf", { name })} onClick={onRevoke}>
            {t("keys.revoke")}
          </Button>
        )}
      </div>
    </li>
  );
}

/** Its visible part, what it may, and its life so far. */
function Facts({ held }: { held: Key }) {
  const { t } = useTranslation();
  const date = useDate();
  const moment = useMoment();
  const said = [
    t("keys.made", { at: date(held.created_at) }),
    held.last_used_at ? t("time.lastUsed", { at: moment(held.last_used_at) }) : t("keys.unused"),
    held.revoked_at ? t("time.ended", { at: moment(held.revoked_at) }) : held.expires_at && t("keys.ends", { at: moment(held.expires_at) }),
  ];
  return (
    <p className="mt-0.5 text-sm wrap-anywhere text-soft">
      <code className="font-mono">{held.prefix}…</code> · {held.models.join(", ") || t("keys.anyModel")} · {said.filter(Boolean).join(" · ")}
    </p>
  );
}

function Revoking({ held, onClose }: { held: Key | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const tell = useTell();
  const name = held?.name || held?.prefix || "";
  const revoke = useMutation({
    ...revokeKeyMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: listKeysQueryKey(MINE) });
      tell({ title: t("keys.revoked", { name }) });
      close();
    },
  });
  const close = () => {
    onClose();
    revoke.reset();
  };
  return (
    <Act
      open={held !== null}
      onClose={close}
      title={t("keys.revokeTitle", { name })}
      lead={t("keys.revokeLead")}
      verb={t("keys.revoke")}
      grave
      does={revoke}
      onSend={() => held && revoke.mutate({ path: { ref: "me", key_id: held.id } })}
    />
  );
}
