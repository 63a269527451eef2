// Windows that do something with an endpoint: a test with its outcome, a new secret, rest and use again.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Delivery, Endpoint, MadeEndpoint } from "../../../api";
import { disableEndpointMutation, enableEndpointMutation, rotateEndpointMutation, tryEndpointMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Button } from "../../../parts/button";
import { ShownOnce } from "../../../parts/copied";
import { Dialog } from "../../../parts/dialog";
import { Failed } from "../../../parts/problem";
import { said, useDone } from "../acting";

interface Props {
  endpoint: Endpoint;
  onClose: () => void;
}

/** Sends a test and waits for what became of it. */
export function Trying({ endpoint, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const test = useMutation({ ...tryEndpointMutation(), onSuccess: () => queries.invalidateQueries() });
  return (
    <Dialog open onClose={onClose} title={t("endpoints.tryOf", { name: endpoint.name })} lead={t("endpoints.tryLead")}>
      <div role="status" className="min-h-6">
        {test.isPending ? t("endpoints.trying") : test.data && <Outcome of={test.data} />}
      </div>
      {test.error && <Failed error={test.error} />}
      <div className="mt-4 flex gap-2">
        <Button kind="plain" className="flex-1" onClick={onClose}>
          {t("form.close")}
        </Button>
        <Button className="flex-1" disabled={test.isPending} onClick={() => test.mutate({ path: { endpoint_id: endpoint.id } })}>
          {t("endpoints.try")}
        </Button>
      </div>
    </Dialog>
  );
}

function Outcome({ of: { state, error } }: { of: Delivery }) {
  const { t } = useTranslation();
  const arrived = state === "sent";
  const Icon = arrived ? CircleCheck : CircleX;
  return (
    <p className={`flex items-start gap-2 ${arrived ? "text-good" : "text-bad"}`}>
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0" />
      {arrived ? t("endpoints.arrived") : t("endpoints.lost", { error })}
    </p>
  );
}

/** A secret, here this once. */
export function Secret({ of: { name, secret }, lead, onClose }: { of: MadeEndpoint; lead: string; onClose: () => void }) {
  const { t } = useTranslation();
  return <ShownOnce title={t("endpoints.secretOf", { name })} lead={lead} text={secret} label={t("endpoints.secret")} onDone={onClose} />;
}

export function Rotating({ endpoint, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const rotate = useMutation({
    ...rotateEndpointMutation(),
    // The secret lives in this window and nowhere else.
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries(),
  });
  if (rotate.data) return <Secret of={rotate.data} lead={t("endpoints.rotatedLead")} onClose={onClose} />;
  const send = (form: FormData) => rotate.mutate({ path: { endpoint_id: endpoint.id }, body: { reason: said(form, "reason") } });
  return (
    <Act
      open
      onClose={onClose}
      title={t("endpoints.rotateOf", { name: endpoint.name })}
      lead={t("endpoints.rotateLead")}
      verb={t("endpoints.rotate")}
      why
      does={rotate}
      onSend={send}
    />
  );
}

/** Lets an endpoint rest, or uses it again. */
export function Switching({ endpoint: { id, name, state }, onClose }: Props) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const disable = useMutation(disableEndpointMutation());
  const enable = useMutation(enableEndpointMutation());
  const off = state === "active";
  const send = (form: FormData) =>
    (off ? disable : enable).mutate(
      { path: { endpoint_id: id }, body: { reason: said(form, "reason") } },
      { onSuccess: () => done(t(off ? "endpoints.disabled" : "endpoints.enabled", { name })) },
    );
  return (
    <Act
      open
      onClose={onClose}
      title={t(off ? "endpoints.disableOf" : "endpoints.enableOf", { name })}
      lead={t(off ? "endpoints.disableLead" : "endpoints.enableLead")}
      verb={t(off ? "endpoints.disable" : "endpoints.enable")}
      grave={off}
      why
      does={off ? disable : enable}
      onSend={send}
    />
  );
}
