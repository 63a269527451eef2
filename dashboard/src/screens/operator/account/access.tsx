// Who may call for an account, and who signs in for it: its keys, and its people with their one-time links.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Account, Key, Person } from "../../../api";
import {
  createKeyMutation, listKeysOptions, listPeopleOptions, revokeKeyMutation,
} from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { ShownOnce } from "../../../parts/copied";
import { useDate } from "../../../parts/date";
import { Field } from "../../../parts/field";
import { Badge } from "../../../parts/figure";
import { Empty } from "../../../parts/problem";
import { Table } from "../../../parts/table";
import { may } from "../../../places";
import { useMe } from "../../../session";
import { Inviting, NewLink, PersonState } from "../people/inviting";
import { said, useDone } from "../acting";
import { forActing, Part } from "./part";
import "../../../words/keys";

export function Access({ account }: { account: Account }) {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <div className="space-y-8">
      <Keys account={account.ref} />
      {may(me, "owner") ? (
        <People account={account.ref} />
      ) : (
        <Part title={t("account.people")}>
          <p className="text-soft">{t("account.peopleOwner")}</p>
        </Part>
      )}
    </div>
  );
}

function Keys({ account }: { account: string }) {
  const { t } = useTranslation();
  const date = useDate();
  const acts = may(useMe(), "operator");
  const keys = useQuery(listKeysOptions({ path: { ref: account } }));
  const [making, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<Key | null>(null);
  const make = acts && (
    <Button kind="plain" onClick={() => setMaking(true)}>
      <Plus aria-hidden className="size-4" />
      {t("keys.make")}
    </Button>
  );
  return (
    <Part title={t("account.keys")} aside={make}>
      <Answer of={keys}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("account.keysNone")}</Empty>
          ) : (
            <Table
              caption={t("account.keys")}
              rows={items}
              keyOf={(one) => one.id}
              columns={forActing<Key>(acts, [
                {
                  name: "name",
                  title: t("account.key.name"),
                  cell: (one) => (
                    <>
                      {one.name || t("keys.unnamed")}
                      <code className="block font-mono text-xs text-soft">{one.prefix}…</code>
                    </>
                  ),
                },
                { name: "state", title: t("account.key.state"), cell: (one) => <Badge tone={one.state === "active" ? "good" : "plain"}>{t(`keys.state.${one.state}`)}</Badge> },
                { name: "made", title: t("account.key.made"), from: "sm", cell: (one) => date(one.created_at) },
                { name: "by", title: t("account.key.by"), from: "md", cell: (one) => one.created_by || "–" },
                { name: "used", title: t("account.key.used"), from: "sm", cell: (one) => (one.last_used_at ? date(one.last_used_at) : t("account.key.never")) },
                {
                  name: "act",
                  title: "",
                  figure: true,
                  cell: (one) =>
                    one.state === "active" && (
                      <Button kind="plain" className="min-h-8 px-3" aria-label={`${t("keys.revoke")}: ${one.name || one.prefix}`} onClick={() => setRevoked(one)}>
                        {t("keys.revoke")}
                      </Button>
                    ),
                },
              ])}
            />
          )
        }
      </Answer>
      {making && <Making account={account} onClose={() => setMaking(false)} />}
      {revoked && <Revoking account={account} held={revoked} onClose={() => setRevoked(null)} />}
    </Part>
  );
}

function Making({ account, onClose }: { account: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const make = useMutation({
    ...createKeyMutation(),
    // The secret lives in this window and nowhere else.
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries(),
  });
  if (make.data) {
    const title = t("account.keyMade", { prefix: make.data.prefix });
    return <ShownOnce title={title} lead={t("keys.once")} text={make.data.secret} label={t("account.key.name")} onDone={onClose} />;
  }
  const send = (form: FormData) => make.mutate({ path: { ref: account }, body: { name: said(form, "name"), reason: said(form, "reason") } });
  return (
    <Act open onClose={onClose} title={t("keys.make")} lead={t("account.keyMakeLead")} verb={t("keys.make")} why does={make} onSend={send}>
      <Field label={t("keys.name")} name="name" maxLength={200} autoComplete="off" />
    </Act>
  );
}

function Revoking({ account, held, onClose }: { account: string; held: Key; onClose: () => void }) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const revoke = useMutation(revokeKeyMutation());
  const send = (form: FormData) =>
    revoke.mutate(
      { path: { ref: account, key_id: held.id }, query: { reason: said(form, "reason") } },
      { onSuccess: () => done(t("account.keyRevoked", { prefix: held.prefix })) },
    );
  const title = t("keys.revokeTitle", { name: held.name || held.prefix });
  return <Act open onClose={onClose} title={title} lead={t("keys.revokeLead")} verb={t("keys.revoke")} grave why does={revoke} onSend={send} />;
}

function People({ account }: { account: string }) {
  const { t } = useTranslation();
  const people = useQuery(listPeopleOptions({ query: { account } }));
  const [inviting, setInviting] = useState(false);
  const [linked, setLinked] = useState<Person | null>(null);
  const invite = (
    <Button kind="plain" onClick={() => setInviting(true)}>
      <Plus aria-hidden className="size-4" />
      {t("account.invite")}
    </Button>
  );
  return (
    <Part title={t("account.people")} aside={invite}>
      <Answer of={people}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("account.peopleNone")}</Empty>
          ) : (
            <ul className="divide-y divide-line rounded-card border border-line bg-panel">
              {items.map((one) => (
                <li key={one.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
                  <span className="min-w-0 flex-1 basis-44 wrap-anywhere">
                    {one.email} {one.name && <span className="text-soft">{one.name}</span>}
                  </span>
                  <PersonState person={one} />
                  {one.state !== "disabled" && (
                    <Button kind="plain" aria-label={`${t("people.link")}: ${one.email}`} onClick={() => setLinked(one)}>
                      <Link2 aria-hidden className="size-4" />
                      {t("people.link")}
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      {inviting && <Inviting account={account} onClose={() => setInviting(false)} />}
      {linked && <NewLink person={linked} onClose={() => setLinked(null)} />}
    </Part>
  );
}
