// API keys: made, shown once, and revoked.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy, KeyRound, Plus } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { Key, MadeKey } from "../api";
import { createKeyMutation, listKeysOptions, listKeysQueryKey, revokeKeyMutation } from "../api/@tanstack/react-query.gen";
import { Button } from "../parts/button";
import { Head } from "../parts/card";
import { useDate } from "../parts/date";
import { Dialog } from "../parts/dialog";
import { Field } from "../parts/field";
import { Empty, Failed, Loading } from "../parts/problem";
import "../words/keys";

const MINE = { path: { ref: "me" } };

export default function Keys() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(listKeysOptions(MINE));
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
      {error && !data ? (
        <Failed error={error} again={refetch} />
      ) : !data ? (
        <Loading />
      ) : data.items.length === 0 ? (
        <Empty>{t("keys.none")}</Empty>
      ) : (
        <ul className="divide-y divide-line rounded-card border border-line bg-panel">
          {data.items.map((key) => (
            <Row key={key.id} held={key} onRevoke={() => setRevoking(key)} />
          ))}
        </ul>
      )}
      <Making open={making} onClose={() => setMaking(false)} />
      <Revoking held={revoking} onClose={() => setRevoking(null)} />
    </>
  );
}

function Row({ held, onRevoke }: { held: Key; onRevoke: () => void }) {
  const { t } = useTranslation();
  const date = useDate();
  const active = held.state === "active";
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-5 py-4">
      <KeyRound aria-hidden className={`size-4 ${active ? "text-brand" : "text-soft"}`} />
      <div className="min-w-0 flex-1">
        <p className={active ? "font-medium" : "text-soft line-through"}>{held.name || t("keys.unnamed")}</p>
        <p className="text-sm text-soft">
          <code className="font-mono">{held.prefix}…</code> · {t("keys.made", { at: date(held.created_at) })} ·{" "}
          {held.last_used_at ? t("keys.used", { at: date(held.last_used_at) }) : t("keys.unused")}
        </p>
      </div>
      {active ? (
        <Button kind="plain" onClick={onRevoke}>
          {t("keys.revoke")}
        </Button>
      ) : (
        <span className="text-sm text-soft">{t(`keys.state.${held.state}`)}</span>
      )}
    </li>
  );
}

function Making({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const make = useMutation({
    ...createKeyMutation(),
    onSuccess: () => queries.invalidateQueries({ queryKey: listKeysQueryKey(MINE) }),
  });
  const close = () => {
    onClose();
    make.reset();
  };
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    make.mutate({ ...MINE, body: { name: String(new FormData(event.currentTarget).get("name")) } });
  };
  return (
    <Dialog open={open} onClose={close} title={t("keys.make")} lead={t(make.data ? "keys.once" : "keys.lead")}>
      {make.data ? (
        <Secret made={make.data} onDone={close} />
      ) : (
        <form onSubmit={send} className="space-y-4">
          <Field label={t("keys.name")} name="name" maxLength={100} placeholder={t("keys.example")} autoFocus />
          {make.error && <Failed error={make.error} />}
          <Button type="submit" className="w-full" disabled={make.isPending}>
            {t("keys.make")}
          </Button>
        </form>
      )}
    </Dialog>
  );
}

function Secret({ made, onDone }: { made: MadeKey; onDone: () => void }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(made.secret);
    setCopied(true);
  };
  const Icon = copied ? Check : Copy;
  return (
    <div className="space-y-4">
      <code className="block rounded-lg bg-sunk p-3 font-mono text-sm break-all select-all">{made.secret}</code>
      <div className="flex gap-2">
        <Button kind="plain" className="flex-1" onClick={() => void copy()}>
          <Icon aria-hidden className="size-4" />
          {t(copied ? "keys.copied" : "keys.copy")}
        </Button>
        <Button className="flex-1" onClick={onDone}>
          {t("keys.done")}
        </Button>
      </div>
    </div>
  );
}

function Revoking({ held, onClose }: { held: Key | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const revoke = useMutation({
    ...revokeKeyMutation(),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: listKeysQueryKey(MINE) });
      onClose();
    },
  });
  return (
    <Dialog open={held !== null} onClose={onClose} title={t("keys.revokeTitle", { name: held?.name || held?.prefix })} lead={t("keys.revokeLead")}>
      {revoke.error && <Failed error={revoke.error} />}
      <div className="mt-4 flex gap-2">
        <Button kind="plain" className="flex-1" onClick={onClose}>
          {t("keys.keep")}
        </Button>
        <Button
          kind="grave"
          className="flex-1"
          disabled={revoke.isPending}
          onClick={() => held && revoke.mutate({ path: { ref: "me", key_id: held.id } })}
        >
          {t("keys.revoke")}
        </Button>
      </div>
    </Dialog>
  );
}
