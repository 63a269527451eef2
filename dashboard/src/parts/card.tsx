// The frames of a screen: its head, and the panels below it.
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Empty } from "./problem";

/** A panel, which a screen reader calls by its title. */
export function Card({ title, children, aside }: { title: string; children: ReactNode; aside?: ReactNode }) {
  return (
    <section aria-label={title} className="min-w-0 rounded-card border border-line bg-panel p-5 sm:p-6">
      <div className="flex items-center justify-between gap-4">
        <h2 className="text-sm font-medium text-soft">{title}</h2>
        {aside}
      </div>
      <div className="mt-3">{children}</div>
    </section>
  );
}

/** The head of a screen, and what can be done there. */
export function Head({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mb-6 flex flex-wrap items-center justify-between gap-3">
      <Titled title={title} className="min-w-0 text-2xl wrap-anywhere" />
      {children}
    </div>
  );
}

/** What a screen is called: the one heading of its first level, and the name of the browser's tab. */
export function Titled({ title, className }: { title: string; className: string }) {
  const { t } = useTranslation();
  const brand = t("brand");
  useEffect(() => {
    document.title = `${title} · ${brand}`;
  }, [title, brand]);
  return <h1 className={`font-semibold tracking-tight ${className}`}>{title}</h1>;
}

/** A screen that has nothing to show: what it is called all the same, and why. */
export function Vacant({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <Head title={title} />
      <Empty>{children}</Empty>
    </>
  );
}
