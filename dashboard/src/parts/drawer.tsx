// What has no room on a narrow screen: it comes in from the side when its button is pressed.
import { Dialog } from "@base-ui/react/dialog";
import { X, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  icon: LucideIcon;
  /** What the button that opens it is called, and the one that closes it. */
  called: { open: string; close: string };
  /** What stands at its head. */
  head: ReactNode;
  open: boolean;
  onOpen: (open: boolean) => void;
  children: ReactNode;
}

export function Drawer({ icon: Icon, called, head, open, onOpen, children }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpen}>
      <Dialog.Trigger aria-label={called.open} className="flex size-10 shrink-0 items-center justify-center rounded-lg text-soft hover:bg-sunk hover:text-ink lg:hidden">
        <Icon aria-hidden className="size-5" />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-20 bg-black/40 transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup className="fixed inset-y-0 left-0 z-30 flex w-80 max-w-[88vw] flex-col gap-4 overflow-y-auto border-r border-line bg-panel px-3 py-4 text-ink transition data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <div className="flex items-center justify-between gap-2">
            <Dialog.Title render={<div />} className="min-w-0 px-2 font-semibold">
              {head}
            </Dialog.Title>
            <Dialog.Close aria-label={called.close} className="flex size-10 shrink-0 items-center justify-center rounded-lg text-soft hover:bg-sunk hover:text-ink">
              <X aria-hidden className="size-5" />
            </Dialog.Close>
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
