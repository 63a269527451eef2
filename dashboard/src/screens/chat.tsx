// The chat: conversations at the side, on a phone in a drawer, and the one that is open.
import { Dialog } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { PanelLeft, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { showChatSessionOptions } from "../api/@tanstack/react-query.gen";
import { Badge } from "../parts/figure";
import { Empty, Failed, isProblem } from "../parts/problem";
import { useMe } from "../session";
import { Actions } from "./chat/actions";
import { Sessions } from "./chat/sessions";
import { Spoken } from "./chat/spoken";
import { Begin, Talk } from "./chat/talk";
import "../words/chat";

const NOT_FOUND = 404;

export default function Chat() {
  const { t } = useTranslation();
  const { account } = useMe();
  const { session } = useParams();
  if (account === null) return <Empty>{t("state.noAccount")}</Empty>;
  return (
    // As high as the window below the head, so that the box stays in sight.
    <div className="-my-6 flex h-[calc(100dvh-3.5rem)] gap-6 py-4 sm:-my-8 lg:py-6">
      <aside className="hidden w-60 shrink-0 lg:flex">
        <Sessions />
      </aside>
      <Spoken session={session} />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col gap-3">{session ? <One key={session} session={session} /> : <None />}</div>
    </div>
  );
}

function None() {
  const { t } = useTranslation();
  return (
    <>
      <Title text={t("nav.chat")} />
      <Begin />
    </>
  );
}

function One({ session }: { session: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(showChatSessionOptions({ path: { session } }));
  if (isProblem(error) && error.status === NOT_FOUND) return <Empty>{t("state.missing")}</Empty>;
  if (error && !data) return <Failed error={error} again={refetch} />;
  if (data?.erased_at) return <Empty>{t("chat.erased")}</Empty>;
  return (
    <>
      <Title text={data ? data.title || t("chat.untitled") : ""}>
        {data?.archived_at && <Badge>{t("chat.archive")}</Badge>}
        {data && <Actions of={data} />}
      </Title>
      <Talk session={session} />
    </>
  );
}

function Title({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <div className="mx-auto flex min-h-10 w-full max-w-3xl items-center gap-2">
      <Drawer />
      <h1 className="min-w-0 flex-1 truncate text-lg font-semibold tracking-tight">{text}</h1>
      {children}
    </div>
  );
}

/** The conversations on a narrow screen. */
function Drawer() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger aria-label={t("chat.open")} className="flex size-10 shrink-0 items-center justify-center rounded-lg text-soft hover:bg-sunk lg:hidden">
        <PanelLeft aria-hidden className="size-5" />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-20 bg-black/40 transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup className="fixed inset-y-0 left-0 z-30 flex w-80 max-w-[88vw] flex-col gap-3 border-r border-line bg-panel p-4 text-ink transition data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <div className="flex items-center justify-between">
            <Dialog.Title className="font-semibold">{t("chat.list")}</Dialog.Title>
            <Dialog.Close aria-label={t("chat.close")} className="flex size-10 items-center justify-center rounded-lg text-soft hover:bg-sunk">
              <X aria-hidden className="size-5" />
            </Dialog.Close>
          </div>
          <Sessions onGo={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
