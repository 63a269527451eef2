// What the parts of the screen of an account share.
import type { ReactNode } from "react";

import type { Column } from "../../../parts/table";

/** A part of a screen under its title. */
export function Part({ title, children, aside }: { title: string; children: ReactNode; aside?: ReactNode }) {
  return (
    <section aria-label={title}>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <h2 className="text-lg font-semibold tracking-tight">{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Returns the columns of a table without that of actions (`act`), for who may only look. */
export function forActing<T>(acts: boolean, columns: Column<T>[]): Column<T>[] {
  return acts ? columns : columns.filter(({ name }) => name !== "act");
}
