// Short messages that come up, stay a while, and can be closed: what was done, and notices that came in.
import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { isProblem } from "./problem";

/** Holds the messages of everything inside it. */
export function Told({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider>
      {children}
      <Toast.Portal>
        {/* Over the end of the menu, where nothing is pressed; on a phone below the head, whose buttons stay free. */}
        <Toast.Viewport className="fixed top-16 left-4 z-40 flex w-[20rem] max-w-[calc(100vw-2rem)] flex-col gap-2 lg:top-auto lg:bottom-4 print:hidden">
          <Messages />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

/** Returns what tells something: `tell({ title, description })`. */
export function useTell() {
  return Toast.useToastManager().add;
}

/** Returns what tells why something did not work that has no window of its own to say so. */
export function useTellFailed(): (error: unknown) => void {
  const { t } = useTranslation();
  const tell = useTell();
  return (error) => void tell({ title: t("state.failed"), description: isProblem(error) ? error.detail : t("state.offline") });
}

function Messages() {
  const { t } = useTranslation();
  return Toast.useToastManager().toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className="flex items-start gap-3 rounded-card border border-line bg-panel p-4 text-ink shadow-xl transition data-ending-style:opacity-0 data-starting-style:translate-y-4 data-starting-style:opacity-0"
    >
      <div className="min-w-0 flex-1">
        <Toast.Title className="text-sm font-medium" />
        <Toast.Description className="mt-0.5 text-sm text-soft" />
        <Toast.Action className="mt-2 text-sm font-medium text-brand underline" />
      </div>
      <Toast.Close aria-label={t("form.close")} className="rounded p-1 text-soft hover:text-ink">
        <X aria-hidden className="size-4" />
      </Toast.Close>
    </Toast.Root>
  ));
}
