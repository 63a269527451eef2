// What can be done with a conversation: rename it, put it away or bring it back, take it along, delete it.
import { Menu } from "@base-ui/react/menu";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Archive, ArchiveRestore, Download, Ellipsis, Pencil, Trash2 } from "lucide-react";
import { useState, type ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import type { Conversation } from "../../api";
import {
  amendChatSessionMutation, eraseChatSessionMutation, listChatSessionsQueryKey, showChatSessionQueryKey,
} from "../../api/@tanstack/react-query.gen";
import { Act } from "../../parts/act";
import { Field } from "../../parts/field";
import { useTell, useTellFailed } from "../../parts/told";

const LINE = "flex min-h-10 w-full cursor-default items-center gap-3 rounded-md px-3 text-sm data-highlighted:bg-sunk";

export function Actions({ of }: { of: Conversation }) {
  const { t } = useTranslation();
  const tell = useTell();
  const queries = useQueryClient();
  const [open, setOpen] = useState<"rename" | "erase" | null>(null);
  const path = { session: of.id };
  const keep = async (changed: Conversation) => {
    queries.setQueryData(showChatSessionQueryKey({ path }), changed);
    await queries.invalidateQueries({ queryKey: listChatSessionsQueryKey() });
  };
  const move = useMutation({
    ...amendChatSessionMutation(),
    onSuccess: async (changed) => {
      await keep(changed);
      tell({ title: t(changed.archived_at ? "chat.putAwayDone" : "chat.bringBackDone") });
    },
    onError: useTellFailed(),
  });
  const away = of.archived_at !== null;
  const exported = (form: string) => `/api/v1/chat/sessions/${encodeURIComponent(of.id)}/export?form=${form}`;
  return (
    <>
      <Menu.Root>
        <Menu.Trigger aria-label={t("chat.menu")} className="flex size-10 items-center justify-center rounded-lg text-soft hover:bg-sunk hover:text-ink">
          <Ellipsis aria-hidden className="size-4" />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={4} align="end" className="z-20">
            <Menu.Popup className="min-w-56 rounded-card border border-line bg-panel p-1 text-ink shadow-xl outline-none">
              <Item icon={Pencil} title={t("chat.rename")} onClick={() => setOpen("rename")} />
              <Item
                icon={away ? ArchiveRestore : Archive}
                title={t(away ? "chat.bringBack" : "chat.putAway")}
                onClick={() => move.mutate({ path, body: { archived: !away } })}
              />
              <Taken href={exported("markdown")} title={t("chat.asText")} />
              <Taken href={exported("json")} title={t("chat.asJson")} />
              <Item icon={Trash2} title={t("chat.erase")} onClick={() => setOpen("erase")} />
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <Renaming of={of} open={open === "rename"} onClose={() => setOpen(null)} onDone={keep} />
      <Erasing of={of} open={open === "erase"} onClose={() => setOpen(null)} />
    </>
  );
}

function Item({ icon: Icon, title, onClick }: { icon: ComponentType<{ className?: string }>; title: string; onClick: () => void }) {
  return (
    <Menu.Item className={LINE} onClick={onClick}>
      <Icon aria-hidden className="size-4 text-soft" />
      {title}
    </Menu.Item>
  );
}

function Taken({ href, title }: { href: string; title: string }) {
  return (
    <Menu.LinkItem className={LINE} href={href} download closeOnClick>
      <Download aria-hidden className="size-4 text-soft" />
      {title}
    </Menu.LinkItem>
  );
}

interface Window {
  of: Conversation;
  open: boolean;
  onClose: () => void;
}

function Renaming({ of, open, onClose, onDone }: Window & { onDone: (changed: Conversation) => Promise<void> }) {
  const { t } = useTranslation();
  const rename = useMutation({
    ...amendChatSessionMutation(),
    onSuccess: async (changed) => {
      await onDone(changed);
      onClose();
    },
  });
  const send = (form: FormData) => rename.mutate({ path: { session: of.id }, body: { title: String(form.get("title")) } });
  return (
    <Act open={open} onClose={onClose} title={t("chat.renameTitle")} verb={t("form.save")} does={rename} onSend={send}>
      <Field label={t("chat.title")} name="title" defaultValue={of.title} maxLength={200} required />
    </Act>
  );
}

function Erasing({ of, open, onClose }: Window) {
  const { t } = useTranslation();
  const tell = useTell();
  const go = useNavigate();
  const queries = useQueryClient();
  const erase = useMutation({
    ...eraseChatSessionMutation(),
    onSuccess: async () => {
      await go("/chat");
      tell({ title: t("chat.eraseDone") });
      await queries.invalidateQueries({ queryKey: listChatSessionsQueryKey() });
    },
  });
  const send = () => erase.mutate({ path: { session: of.id } });
  return <Act open={open} onClose={onClose} title={t("chat.eraseTitle")} lead={t("chat.eraseLead")} verb={t("chat.erase")} grave does={erase} onSend={send} />;
}
