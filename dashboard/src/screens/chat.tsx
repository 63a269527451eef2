// The chat: conversations at the side, on a phone in a drawer, and the one that is open.
import { useQuery } from "@tanstack/react-query";
import { PanelLeft } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { showChatSessionOptions } from "../api/@tanstack/react-query.gen";
import { Titled, Vacant } from "../parts/card";
import { Drawer } from "../parts/drawer";
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
  if (account === null) return <Vacant title={t("nav.chat")}>{t("state.noAccount")}</Vacant>;
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
  const missing = isProblem(error) && error.status === NOT_FOUND;
  if (missing || data?.erased_at || (error && !data)) {
    return (
      <>
        <Title text={t("nav.chat")} />
        <div className="mx-auto w-full max-w-3xl">
          {missing ? <Empty>{t("chat.gone")}</Empty> : data ? <Empty>{t("chat.goneErased")}</Empty> : <Failed error={error} again={refetch} />}
        </div>
      </>
    );
  }
  return (
    <>
      <Title text={data ? data.title || t("chat.untitled") : t("nav.chat")}>
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
      <NarrowList />
      <Titled title={text} className="min-w-0 flex-1 truncate text-lg" />
      {children}
    </div>
  );
}

/** The conversations on a narrow screen. */
function NarrowList() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Drawer icon={PanelLeft} called={{ open: t("chat.open"), close: t("chat.close") }} head={t("chat.list")} open={open} onOpen={setOpen}>
      <Sessions onGo={() => setOpen(false)} />
    </Drawer>
  );
}
