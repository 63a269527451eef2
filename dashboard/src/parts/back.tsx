// The way back from one thing to all of its kind.
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

export function Back({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className="mb-3 inline-flex min-h-10 items-center gap-1.5 text-sm text-soft hover:text-ink print:hidden">
      <ArrowLeft aria-hidden className="size-4" />
      {children}
    </Link>
  );
}
