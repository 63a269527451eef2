// What who listens is told of an answer: that it is on its way, and then all of it; word by word nobody can follow.
import { useTranslation } from "react-i18next";

import { NEW, useSpoken, useTurn } from "./turn";

/** It is there before anything is said: what comes into the page together with its words is not read out. */
export function Spoken({ session = NEW }: { session: string | undefined }) {
  const { t } = useTranslation();
  const turn = useTurn(session);
  const text = useSpoken(session);
  return (
    <p aria-live="polite" className="sr-only">
      {text ? t("chat.answered", { text }) : turn ? t("chat.answering") : ""}
    </p>
  );
}
