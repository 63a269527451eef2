// Something that is shown once, to be copied now: a key's secret, a one-time link.
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "./button";
import { Dialog } from "./dialog";

interface Props {
  text: string;
  label: string;
  /** How many lines of it are seen at once. */
  rows?: number;
  onDone: () => void;
}

export function ToCopy({ text, label, rows = 3, onDone }: Props) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  const Icon = copied ? Check : Copy;
  return (
    <div className="space-y-4">
      <textarea
        aria-label={label}
        readOnly
        rows={rows}
        value={text}
        onFocus={(event) => event.target.select()}
        className="block w-full resize-none rounded-lg bg-sunk p-3 font-mono text-sm break-all"
      />
      <div className="flex gap-2">
        {/* Without TLS a browser has no clipboard; what is marked can still be copied by hand. */}
        {navigator.clipboard !== undefined && (
          <Button kind="plain" className="flex-1" onClick={() => void copy()}>
            <Icon aria-hidden className="size-4" />
            {t(copied ? "form.copied" : "form.copy")}
          </Button>
        )}
        <Button className="flex-1" onClick={onDone}>
          {t("form.close")}
        </Button>
      </div>
    </div>
  );
}

interface ShownOnceProps extends Omit<Props, "rows"> {
  title: string;
  lead: string;
}

/** The window of what nobody can show again: nothing but its button closes it, for a slip would lose it. */
export function ShownOnce({ title, lead, ...rest }: ShownOnceProps) {
  return (
    <Dialog open onClose={() => undefined} title={title} lead={lead}>
      <ToCopy {...rest} />
    </Dialog>
  );
}
