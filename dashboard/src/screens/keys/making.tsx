// A new key: what it may do and until when, and its secret, which is shown this once.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, Copy } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";

import type { MadeKey } from "../../api";
import { createKeyMutation, listKeysQueryKey } from "../../api/@tanstack/react-query.gen";
import { Button } from "../../parts/button";
import { useBeginning } from "../../parts/date";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { Failed } from "../../parts/problem";
import "../../words/keys";

const MINE = { path: { ref: "me" } };

export function Making({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const beginning = useBeginning();
  const make = useMutation({
    ...createKeyMutation(),
    // The secret lives in this window and nowhere else.
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: listKeysQueryKey(MINE) }),
  });
  const made = make.data;
  const close = () => {
    onClose();
    make.reset();
  };
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const end = String(form.get("end"));
    const models = String(form.get("models")).split(",").map((one) => one.trim()).filter(Boolean);
    make.mutate({ ...MINE, body: { name: String(form.get("name")).trim(), models, expires_at: end ? beginning(end, true) : null } });
  };
  return (
    // While the secret is shown, nothing but its button closes the window: a slip would lose it.
    <Dialog open={open} onClose={made ? () => undefined : close} title={t("keys.make")} lead={t(made ? "keys.once" : "keys.lead")}>
      {made ? (
        <Secret made={made} onDone={close} />
      ) : (
        <form onSubmit={send} className="space-y-4">
          <Field label={t("keys.name")} name="name" maxLength={100} placeholder={t("keys.example")} />
          <Field label={t("keys.models")} name="models" maxLength={2000} placeholder={t("keys.modelsExample")} hint={t("keys.modelsHint")} />
          <Field label={t("keys.end")} name="end" type="date" hint={t("keys.endHint")} />
          {make.error && <Failed error={make.error} />}
          <Button type="submit" className="w-full" disabled={make.isPending}>
            {make.isPending ? t("form.sending") : t("keys.make")}
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
      <code aria-label={t("keys.secret")} className="block rounded-lg bg-sunk p-3 font-mono text-sm break-all select-all">
        {made.secret}
      </code>
      <div className="flex gap-2">
        {/* Absent where the page came without TLS; the secret can be marked and copied by hand. */}
        {"clipboard" in navigator && (
          <Button kind="plain" className="flex-1" onClick={() => void copy()}>
            <Icon aria-hidden className="size-4" />
            <span role="status">{t(copied ? "form.copied" : "form.copy")}</span>
          </Button>
        )}
        <Button className="flex-1" onClick={onDone}>
          {t("keys.done")}
        </Button>
      </div>
    </div>
  );
}
