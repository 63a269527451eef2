// One message as it is read: its lines kept as they are, code set apart, and below an answer what it cost.
import { Check, Copy } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Message } from "../../api";
import { useMoment } from "../../parts/date";
import { useUnit } from "../../parts/unit";

const FENCE = /^```.*\n?/m;
/** A mark behind the last word of what is still coming. */
const CARET =
  "[&>:last-child]:after:ml-1 [&>:last-child]:after:inline-block [&>:last-child]:after:h-4 [&>:last-child]:after:w-2 " +
  "[&>:last-child]:after:rounded-sm [&>:last-child]:after:bg-brand [&>:last-child]:after:align-text-bottom " +
  "[&>:last-child]:after:content-[''] [&>:last-child]:after:motion-safe:animate-pulse";

/** Text of a person or a model: never HTML. What stands between fences is code. */
function Written({ text }: { text: string }) {
  return text.split(FENCE).map((piece, place) =>
    place % 2 === 0 ? (
      <p key={place} className="leading-relaxed wrap-anywhere whitespace-pre-wrap">
        {piece.trim()}
      </p>
    ) : (
      // A page has no other way to let a keyboard scroll a wide line.
      <pre key={place} tabIndex={0} className="my-2 overflow-x-auto rounded-lg border border-line bg-sunk p-3 font-mono text-sm">
        {piece.trimEnd()}
      </pre>
    ),
  );
}

export function Question({ text, note }: { text: string; note?: string }) {
  const { t } = useTranslation();
  return (
    <li className="ml-auto w-fit max-w-[85%] rounded-2xl rounded-br-md bg-sunk px-4 py-2.5">
      <span className="sr-only">{t("chat.you")}: </span>
      <Written text={text} />
      {note && <p className="mt-1 text-xs text-soft">{note}</p>}
    </li>
  );
}

export function Reply({ text, coming, children }: { text: string; coming?: boolean; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <li aria-busy={coming} className="min-w-0 pr-4">
      <span className="sr-only">{t("chat.answer")}: </span>
      <div className={coming ? CARET : ""}>
        <Written text={text} />
      </div>
      {children}
    </li>
  );
}

/** What stands below an answer: what it took, how it ended, when, who said it, and the way to take it along. */
export function Below({ message }: { message: Message }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const unit = useUnit();
  const { charge, ended, model } = message;
  return (
    <p className="mt-1.5 flex flex-wrap items-center gap-x-2 text-xs text-soft">
      {charge && (
        <span>
          <span className="sr-only">{t("chat.costName")} </span>
          {t("chat.cost", { amount: charge.shown })} {unit(charge.unit)}
        </span>
      )}
      {ended && ended !== "complete" && <span className="font-medium text-warn">{t(`chat.ended.${ended}`)}</span>}
      <span>{moment(message.at)}</span>
      {model && <span>{model}</span>}
      <CopyText text={message.content} />
    </p>
  );
}

function CopyText({ text }: { text: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const Icon = copied ? Check : Copy;
  // Browsers hand out a clipboard to pages that came over TLS alone.
  if (!window.isSecureContext) return null;
  return (
    <button
      type="button"
      aria-label={t(copied ? "form.copied" : "chat.copy")}
      className="rounded p-1.5 hover:bg-sunk hover:text-ink"
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <Icon aria-hidden className="size-3.5" />
    </button>
  );
}
