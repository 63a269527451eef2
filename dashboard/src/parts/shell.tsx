// The frame around every screen: where one can go, in which language and light, and the way out.
import { Gauge, History, KeyRound, Languages, LogOut, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet } from "react-router";

import { useMe, useSignOut } from "../session";
import { LANGUAGES, speak, type Language } from "../words";
import { Button } from "./button";

const PLACES = [
  { to: "/", name: "usage", icon: Gauge },
  { to: "/history", name: "history", icon: History },
  { to: "/keys", name: "keys", icon: KeyRound },
] as const;

export function Shell() {
  const { t } = useTranslation();
  const me = useMe();
  const leave = useSignOut();
  return (
    <div className="min-h-dvh">
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:m-2 focus:bg-panel focus:p-2">
        {t("skip")}
      </a>
      <header className="sticky top-0 z-10 border-b border-line bg-page/90 backdrop-blur">
        <div className="mx-auto flex h-14 max-w-5xl items-center gap-2 px-4">
          <NavLink to="/" className="flex items-center gap-2 font-semibold tracking-tight">
            <img src="/app/mark.svg" alt="" className="size-7" />
            <span className="hidden sm:inline">{t("brand")}</span>
          </NavLink>
          <nav aria-label={t("nav.label")} className="ml-4 flex flex-1 gap-1">
            {PLACES.map(({ to, name, icon: Icon }) => (
              <NavLink
                key={to}
                to={to}
                className="flex min-h-10 items-center gap-2 rounded-lg px-3 text-sm text-soft aria-[current=page]:bg-sunk aria-[current=page]:text-ink"
              >
                <Icon aria-hidden className="size-4" />
                {t(`nav.${name}`)}
              </NavLink>
            ))}
          </nav>
          <LanguageChoice />
          <ThemeChoice />
          <Button kind="quiet" aria-label={t("signIn.out")} title={me.email ?? me.actor} onClick={() => void leave()}>
            <LogOut aria-hidden className="size-4" />
          </Button>
        </div>
      </header>
      <main id="content" className="mx-auto max-w-5xl px-4 py-6 sm:py-10">
        <Outlet />
      </main>
    </div>
  );
}

export function LanguageChoice() {
  const { t, i18n } = useTranslation();
  const other: Language = i18n.language === "ko" ? "en" : "ko";
  return (
    <Button kind="quiet" aria-label={`${t("language")}: ${LANGUAGES[other]}`} onClick={() => void speak(other)}>
      <Languages aria-hidden className="size-4" />
      <span className="hidden sm:inline" lang={other}>
        {LANGUAGES[other]}
      </span>
    </Button>
  );
}

export function ThemeChoice() {
  const { t } = useTranslation();
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "light");
  const other = theme === "dark" ? "light" : "dark";
  const change = () => {
    localStorage.setItem("theme", other);
    document.documentElement.dataset.theme = other;
    setTheme(other);
  };
  const Icon = other === "dark" ? Moon : Sun;
  return (
    <Button kind="quiet" aria-label={`${t("theme.label")}: ${t(`theme.${other}`)}`} onClick={change}>
      <Icon aria-hidden className="size-4" />
    </Button>
  );
}
