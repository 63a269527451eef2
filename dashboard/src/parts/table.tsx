// A table that a screen reader can walk, and that moves sideways where it is too wide; and the button for its next page.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "./button";
import { Empty } from "./problem";

export interface Column<T> {
  name: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** Figures stand at the right. */
  figure?: boolean;
  /** Left out on screens narrower than this. */
  from?: "sm" | "md" | "lg";
}

const FROM = { sm: "hidden sm:table-cell", md: "hidden md:table-cell", lg: "hidden lg:table-cell" };

interface Props<T> {
  /** What the table holds, for who cannot see it. */
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string | number;
  /** What is said where there is no row. */
  empty?: string;
}

export function Table<T>({ caption, columns, rows, keyOf, empty }: Props<T>) {
  if (rows.length === 0 && empty) return <Empty>{empty}</Empty>;
  const shape = ({ figure, from }: Column<T>) => `px-4 py-3 ${figure ? "text-right whitespace-nowrap tabular-nums" : ""} ${from ? FROM[from] : ""}`;
  return (
    <div tabIndex={0} role="region" aria-label={caption} className="sideways overflow-x-auto rounded-card border border-line bg-panel">
      <table className="w-full text-sm break-keep">
        <caption className="sr-only">{caption}</caption>
        <thead className="border-b border-line text-left text-soft">
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" className={`font-medium ${shape(column)}`}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.name} className={`align-top ${shape(column)}`}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface MoreProps {
  of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

/** The next page of a list, where there is one. */
export function More({ of: { hasNextPage, isFetchingNextPage, fetchNextPage } }: MoreProps) {
  const { t } = useTranslation();
  if (!hasNextPage) return null;
  return (
    <Button kind="plain" className="mt-4 w-full" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
      {t("form.more")}
    </Button>
  );
}
