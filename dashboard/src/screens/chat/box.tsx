// The box in which a message is written: Enter sends it, unless an input method still composes a syllable.
import { ArrowUp, Square } from "lucide-react";
import { useEffect, useRef, type FormEvent, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "../../parts/button";
import { isProblem } from "../../parts/problem";
import type { Draft } from "./turn";

/** What a browser calls a key that an input method has taken, where it does not say so otherwise. */
const TAKEN_BY_INPUT_METHOD = 229;

interface Props {
  draft: Draft;
  onChange: (text: string) => void;
  onSend: (text: string) => void;
  /** Ends the answer that is on its way; null where there is none. */
  onStop: (() => void) | null;
  /** Whether nothing may be sent; the banner says why. */
  barred: boolean;
  lengthMax: number | undefined;
}

export function Box({ draft, onChange, onSend, onStop, barred, lengthMax }: Props) {
  const { t } = useTranslation();
  const field = useRef<HTMLTextAreaElement>(null);
  const ready = !barred && onStop === null && draft.text.trim() !== "";
  // The browser has the text while somebody types: an input method would lose syllables to whoever wrote it anew.
  useEffect(() => {
    const box = field.current;
    if (box === null || box.value === draft.text) return;
    box.value = draft.text;
    if (draft.text !== "") box.focus();
    // Only what came from elsewhere: what is typed has been there before it is known here.
  }, [draft.version]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    const text = field.current?.value ?? "";
    if (barred || onStop !== null || text.trim() === "") return;
    onSend(text);
  };
  const press = (event: KeyboardEvent) => {
    const composing = event.nativeEvent.isComposing || event.keyCode === TAKEN_BY_INPUT_METHOD;
    if (event.key === "Enter" && !event.shiftKey && !composing) send(event);
  };
  return (
    <form onSubmit={send} className="space-y-2">
      {draft.problem !== undefined && <Trouble problem={draft.problem} brokeOff={draft.brokeOff ?? false} />}
      <div className="flex items-end gap-2 rounded-2xl border border-line bg-panel p-2 has-[textarea:focus-visible]:border-brand has-[textarea:focus-visible]:ring-1 has-[textarea:focus-visible]:ring-brand">
        <textarea
          aria-label={t("chat.box")}
          aria-describedby={barred ? "standing" : "box-hint"}
          placeholder={t("chat.write")}
          rows={1}
          maxLength={lengthMax}
          ref={field}
          defaultValue={draft.text}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={press}
          className="field-sizing-content max-h-48 min-h-10 min-w-0 flex-1 resize-none rounded-lg bg-transparent px-2 py-2 outline-none placeholder:text-soft"
        />
        {onStop ? (
          <Button kind="plain" aria-label={t("chat.stop")} className="px-3" onClick={onStop}>
            <Square aria-hidden className="size-4 fill-current" />
          </Button>
        ) : (
          <Button type="submit" aria-label={t("chat.send")} className="px-3" disabled={!ready}>
            <ArrowUp aria-hidden className="size-4" />
          </Button>
        )}
      </div>
      <p id="box-hint" className="hidden px-2 text-xs text-soft sm:block">
        {t("chat.hint")}
      </p>
    </form>
  );
}

/** Why a message was not answered, and that it stands in the box again; or why its answer is not whole. */
function Trouble({ problem, brokeOff }: { problem: unknown; brokeOff: boolean }) {
  const { t } = useTranslation();
  return (
    <div role="alert" className="rounded-card border border-bad/50 bg-panel px-4 py-3 text-sm">
      <p className="font-medium text-bad">{isProblem(problem) ? problem.detail : t("state.offline")}</p>
      <p className="mt-0.5 text-soft">{t(brokeOff ? "chat.brokeOff" : "chat.refused")}</p>
    </div>
  );
}
