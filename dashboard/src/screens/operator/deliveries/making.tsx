// The window that makes an endpoint: a webhook, whose secret is shown this once, or a service that the library speaks to.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { MadeEndpoint, NewEndpoint } from "../../../api";
import { createEndpointMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Choice } from "../../../parts/choice";
import { Field } from "../../../parts/field";
import { useTell } from "../../../parts/told";
import { said } from "../acting";
import { Secret } from "./acts";
import { KINDS } from "./notices";

const WAYS = ["webhook", "service"] as const;

export function Making({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const { t } = useTranslation();
  const tell = useTell();
  const queries = useQueryClient();
  const [way, setWay] = useState<(typeof WAYS)[number]>("webhook");
  const make = useMutation({
    ...createEndpointMutation(),
    // The secret lives in this window and nowhere else.
    gcTime: 0,
    onSuccess: async ({ name, secret }: MadeEndpoint) => {
      if (!secret) onClose();
      tell({ title: t("endpoints.isMade", { name }) });
      onMade();
      await queries.invalidateQueries();
    },
  });
  if (make.data?.secret) return <Secret of={make.data} lead={t("endpoints.secretLead")} onClose={onClose} />;
  const send = (form: FormData) => {
    const body: NewEndpoint = {
      channel: way,
      url: said(form, "url"),
      name: said(form, "name"),
      account: said(form, "account"),
      kinds: KINDS.filter((kind) => form.getAll("kinds").includes(kind)),
      reason: said(form, "reason"),
    };
    make.mutate({ body });
  };
  return (
    <Act open onClose={onClose} title={t("endpoints.make")} lead={t("endpoints.makeLead")} verb={t("endpoints.make")} why does={make} onSend={send}>
      <Choice label={t("endpoints.way")} value={way} onChange={setWay} options={WAYS.map((value) => ({ value, title: t(`endpoints.ways.${value}`) }))} />
      <Field
        label={t("endpoints.url")}
        name="url"
        required
        maxLength={2000}
        hint={t(`endpoints.hint.${way}`)}
        placeholder={way === "webhook" ? "https://example.com/hooks/tokens" : "slack://…"}
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
      />
      <Field label={t("endpoints.nameOf")} name="name" maxLength={100} hint={t("endpoints.nameHint")} autoComplete="off" />
      <Field label={t("endpoints.accountOf")} name="account" maxLength={200} hint={t("endpoints.accountHint")} autoComplete="off" />
      <fieldset>
        <legend className="text-sm font-medium">{t("endpoints.kindsOf")}</legend>
        <div className="mt-1 grid grid-cols-[repeat(auto-fit,minmax(10rem,1fr))] gap-x-3">
          {KINDS.map((kind) => (
            <label key={kind} className="flex min-h-9 items-center gap-3 text-sm">
              <input type="checkbox" name="kinds" value={kind} className="size-5 accent-brand" />
              {t(`endpoints.kind.${kind}`)}
            </label>
          ))}
        </div>
      </fieldset>
    </Act>
  );
}
