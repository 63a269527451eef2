// The way to a file: what a screen shows, as a table for a spreadsheet.
import { Download as Icon } from "lucide-react";
import { useTranslation } from "react-i18next";

interface Props {
  href: string;
  /** What the file is called, where its address does not say so. */
  name?: string;
  className?: string;
}

export function Download({ href, name, className = "" }: Props) {
  const { t } = useTranslation();
  return (
    <a
      href={href}
      download={name ?? true}
      className={`inline-flex min-h-10 items-center justify-center gap-2 rounded-lg border border-line bg-panel px-4 text-sm font-medium hover:bg-sunk ${className}`}
    >
      <Icon aria-hidden className="size-4" />
      {t("form.download")}
    </a>
  );
}
