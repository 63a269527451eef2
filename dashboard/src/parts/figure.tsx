// One figure and what it means; and a word in the colour of its meaning.
import type { ReactNode } from "react";

/** A figure longer than this is set smaller where it is narrow: it stays on one line. */
const LONG = 14;

export function Figure({ title, children, note }: { title: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="min-w-0 rounded-card border border-line bg-panel p-4 sm:p-5">
      <dt className="text-sm text-soft">{title}</dt>
      <dd className={`mt-1 font-semibold tracking-tight wrap-anywhere tabular-nums ${typeof children === "string" && children.length > LONG ? "text-lg xl:text-2xl" : "text-2xl"}`}>{children}</dd>
      {note && <dd className="mt-1 text-sm text-soft wrap-anywhere">{note}</dd>}
    </div>
  );
}

/** Figures side by side. */
export function Figures({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,13rem),1fr))] gap-4">{children}</dl>;
}

const TONES = { plain: "text-soft", good: "text-good", notice: "text-notice", warn: "text-warn", bad: "text-bad" } as const;
export type Tone = keyof typeof TONES;

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`inline-block rounded-full border border-current/30 px-2 py-0.5 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}>{children}</span>;
}
