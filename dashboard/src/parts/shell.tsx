// The frame around every screen: where one can go, in which language and light, and the way out.
import { Languages, LogOut, Menu, Moon, Sun } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, useLocation, useNavigationType } from "react-router";

import { HOUSE, may, MINE, type Place } from "../places";
import { useMe, useSignOut } from "../session";
import { LANGUAGES, speak, type Language } from "../words";
import { Bell } from "./bell";
import { Button } from "./button";
import { Drawer } from "./drawer";
import { Reach } from "./reach";
import { choose, useDark } from "./theme";
import { Told, useTellFailed } from "./told";

export function Shell() {
  const { t } = useTranslation();
  const me = useMe();
  const content = useArrival();
  return (
    <Told>
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:bg-panel focus:p-2">
        {t("skip")}
      </a>
      <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)] print:block">
        <aside className="sticky top-0 hidden h-dvh flex-col gap-6 overflow-y-auto border-r border-line bg-panel px-3 py-4 lg:flex print:hidden">
          <div className="px-2">
            <Home />
          </div>
          <Places />
        </aside>
        <div className="min-w-0">
          <header className="sticky top-0 z-10 flex h-14 items-center gap-1 border-b border-line bg-page/90 px-3 backdrop-blur sm:px-6 print:hidden">
            <NarrowMenu />
            <span className="flex-1" />
            {me.account !== null && <Bell />}
            <LanguageChoice />
            <ThemeChoice />
            <Leave />
          </header>
          <Reach />
          <main ref={content} id="content" tabIndex={-1} className="mx-auto max-w-6xl px-4 py-6 outline-none sm:px-6 sm:py-8">
            <Outlet />
          </main>
        </div>
      </div>
    </Told>
  );
}

/** Begins each screen at its top, for the eyes and for the keyboard; going back, the browser knows where one was. */
function useArrival() {
  const content = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const how = useNavigationType();
  const left = useRef(pathname);
  useEffect(() => {
    if (left.current === pathname) return;
    left.current = pathname;
    if (how !== "POP") window.scrollTo(0, 0);
    if (!content.current?.contains(document.activeElement)) content.current?.focus({ preventScroll: true });
  }, [pathname, how]);
  return content;
}

function Home() {
  const { t } = useTranslation();
  return (
    <Link to="/" className="flex items-center gap-2 font-semibold tracking-tight">
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

/** The menu on a narrow screen. */
function NarrowMenu() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const [openAt, setOpenAt] = useState<string | null>(null);
  return (
    <Drawer
      icon={Menu}
      called={{ open: t("nav.open"), close: t("nav.close") }}
      head={<Home />}
      open={openAt === pathname}
      onOpen={(open) => setOpenAt(open ? pathname : null)}
    >
      <Places onGo={() => setOpenAt(null)} />
    </Drawer>
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
