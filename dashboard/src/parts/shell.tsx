// The frame around every screen: where one can go, in which language and light, and the way out.
import { Dialog } from "@base-ui/react/dialog";
import { Languages, LogOut, Menu, Moon, Sun, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, useLocation } from "react-router";

import { HOUSE, may, MINE, type Place } from "../places";
import { useMe, useSignOut } from "../session";
import { LANGUAGES, speak, type Language } from "../words";
import { Bell } from "./bell";
import { Button } from "./button";
import { Reach } from "./reach";
import { choose, useDark } from "./theme";
import { Told, useTellFailed } from "./told";

export function Shell() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <Told>
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:bg-panel focus:p-2">
        {t("skip")}
      </a>
      <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)] print:block">
        <aside className="sticky top-0 hidden h-dvh flex-col gap-6 overflow-y-auto border-r border-line bg-panel px-3 py-4 lg:flex print:hidden">
          <Home />
          <Places />
        </aside>
        <div className="min-w-0">
          <header className="sticky top-0 z-10 flex h-14 items-center gap-1 border-b border-line bg-page/90 px-3 backdrop-blur sm:px-6 print:hidden">
            <Drawer />
            <span className="flex-1" />
            {me.account !== null && <Bell />}
            <LanguageChoice />
            <ThemeChoice />
            <Leave />
          </header>
          <Reach />
          <main id="content" tabIndex={-1} className="mx-auto max-w-6xl px-4 py-6 outline-none sm:px-6 sm:py-8">
            <Outlet />
          </main>
        </div>
      </div>
    </Told>
  );
}

function Home() {
  const { t } = useTranslation();
  return (
    <Link to="/" className="flex items-center gap-2 px-2 font-semibold tracking-tight">
      <img src="/app/mark.svg" alt="" className="size-7" />
      {t("brand")}
    </Link>
  );
}

/** The menu: one's own account, and the house for those who run it. */
function Places({ onGo }: { onGo?: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const groups = [
    { name: "mine", places: me.account === null ? MINE.filter(({ path }) => path === "/settings") : MINE },
    { name: "house", places: HOUSE.filter(({ role }) => may(me, role)) },
  ].filter(({ places }) => places.length > 0);
  return (
    <nav aria-label={t("nav.label")} className="space-y-6">
      {groups.map(({ name, places }) => (
        <div key={name}>
          <p className="px-3 pb-1 text-xs font-medium text-soft">{t(`nav.${name}`)}</p>
          <ul>
            {places.map((place) => (
              <Entry key={place.path} place={place} onGo={onGo} />
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Entry({ place: { path, name, icon: Icon }, onGo }: { place: Place; onGo?: (() => void) | undefined }) {
  const { t } = useTranslation();
  if (!name || !Icon) return null;
  const to = path.replace(/\/:.*/, "");
  return (
    <li>
      <NavLink
        to={to}
        end={to === "/" || to === "/operator"}
        onClick={onGo}
        className="flex min-h-10 items-center gap-3 rounded-lg px-3 text-sm text-soft hover:bg-sunk hover:text-ink aria-[current=page]:bg-sunk aria-[current=page]:font-medium aria-[current=page]:text-ink"
      >
        <Icon aria-hidden className="size-4 shrink-0" />
        {t(`nav.${name}`)}
      </NavLink>
    </li>
  );
}

/** The menu on a narrow screen: it comes in from the side. */
function Drawer() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const [openAt, setOpenAt] = useState<string | null>(null);
  const close = () => setOpenAt(null);
  return (
    <Dialog.Root open={openAt === pathname} onOpenChange={(open) => setOpenAt(open ? pathname : null)}>
      <Dialog.Trigger aria-label={t("nav.open")} className="flex size-10 items-center justify-center rounded-lg text-soft hover:bg-sunk lg:hidden">
        <Menu aria-hidden className="size-5" />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-20 bg-black/40 transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup className="fixed inset-y-0 left-0 z-30 w-72 max-w-[85vw] space-y-6 overflow-y-auto border-r border-line bg-panel px-3 py-4 text-ink transition data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <div className="flex items-center justify-between">
            <Dialog.Title render={<div />}>
              <Home />
            </Dialog.Title>
            <Dialog.Close aria-label={t("nav.close")} className="flex size-10 items-center justify-center rounded-lg text-soft hover:bg-sunk">
              <X aria-hidden className="size-5" />
            </Dialog.Close>
          </div>
          <Places onGo={close} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Leave() {
  const { t } = useTranslation();
  const me = useMe();
  const leave = useSignOut();
  const failed = useTellFailed();
  return (
    <Button kind="quiet" aria-label={t("signIn.out")} title={me.email ?? me.actor} onClick={() => void leave().catch(failed)}>
      <LogOut aria-hidden className="size-4" />
    </Button>
  );
}

export function LanguageChoice() {
  const { t, i18n } = useTranslation();
  const other: Language = i18n.language === "ko" ? "en" : "ko";
  return (
    <Button kind="quiet" className="px-2.5" aria-label={`${t("language")}: ${LANGUAGES[other]}`} onClick={() => void speak(other)}>
      <Languages aria-hidden className="size-4" />
      <span className="hidden sm:inline" lang={other}>
        {LANGUAGES[other]}
      </span>
    </Button>
  );
}

export function ThemeChoice() {
  const { t } = useTranslation();
  const other = useDark() ? "light" : "dark";
  const Icon = other === "dark" ? Moon : Sun;
  return (
    <Button kind="quiet" className="px-2.5" aria-label={`${t("theme.label")}: ${t(`theme.${other}`)}`} onClick={() => choose(other)}>
      <Icon aria-hidden className="size-4" />
    </Button>
  );
}
