// What a screen shows instead of its content: that it loads, that it failed and what to do, that it is not for you.
import { CircleAlert, WifiOff } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "./button";

/** An answer of the API that is no success (RFC 9457). */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  code: string;
}

export function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "detail" in error && "status" in error;
}

export function Loading({ rows = 3 }: { rows?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t("state.loading")} className="animate-pulse space-y-3">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="h-5 rounded bg-sunk" style={{ width: `${92 - row * 17}%` }} />
      ))}
    </div>
  );
}

interface FailedProps {
  error: unknown;
  again?: (() => unknown) | undefined;
  /** It is being tried again at this moment. */
  busy?: boolean;
}

export function Failed({ error, again, busy = false }: FailedProps) {
  const { t } = useTranslation();
  const known = isProblem(error);
  const Icon = known ? CircleAlert : WifiOff;
  return (
    <Note icon={<Icon aria-hidden className="size-5 shrink-0 text-bad" />}>
      <p className="font-medium">{known ? error.title : t("state.failed")}</p>
      <p className="mt-1 text-sm text-soft">{known ? error.detail : t("state.offline")}</p>
      {again && (
        <Button kind="plain" className="mt-3" onClick={() => void again()}>
          {t(busy ? "form.sending" : "state.again")}
        </Button>
      )}
    </Note>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="rounded-card border border-dashed border-line px-4 py-8 text-center text-balance text-soft">{children}</p>;
}

function Note({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <div role="alert" className="flex gap-3 rounded-card border border-line bg-panel p-4">
      {icon}
      <div className="min-w-0">{children}</div>
    </div>
  );
}
