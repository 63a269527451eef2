// A window that does one thing: what it takes, why it is done, the button, and what went wrong when it did not work.
import type { FormEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "./button";
import { Dialog } from "./dialog";
import { Field } from "./field";
import { Failed } from "./problem";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  lead?: string;
  /** What the button says. */
  verb: string;
  grave?: boolean;
  /** Asks for a reason, sent as `reason`. */
  why?: boolean;
  does: { isPending: boolean; error: unknown; reset?: () => void };
  onSend: (form: FormData) => void;
  children?: ReactNode;
}

export function Act({ open, onClose, title, lead, verb, grave, why, does, onSend, children }: Props) {
  const { t } = useTranslation();
  const close = () => {
    does.reset?.(); // What went wrong last time is no news when it is opened again.
    onClose();
  };
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSend(new FormData(event.currentTarget));
  };
  return (
    <Dialog open={open} onClose={close} title={title} {...(lead ? { lead } : {})}>
      <form onSubmit={send} className="space-y-4">
        {children}
        {why && <Field label={t("form.reason")} name="reason" required maxLength={500} placeholder={t("form.reasonLead")} />}
        {does.error !== null && does.error !== undefined && <Failed error={does.error} />}
        <div className="flex gap-2">
          <Button kind="plain" className="flex-1" onClick={close}>
            {t("form.cancel")}
          </Button>
          <Button type="submit" kind={grave ? "grave" : "main"} className="flex-1" disabled={does.isPending}>
            {does.isPending ? t("form.sending") : verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
