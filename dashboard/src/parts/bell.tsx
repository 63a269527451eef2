// How many notices nobody has read yet, and the way to them.
import { useQuery } from "@tanstack/react-query";
import { Bell as Icon } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { countNoticesOptions } from "../api/@tanstack/react-query.gen";
import { LIVE_MS } from "./live";

export function Bell() {
  const { t } = useTranslation();
  const { data } = useQuery({ ...countNoticesOptions({ path: { ref: "me" } }), refetchInterval: LIVE_MS });
  const unread = data?.unread ?? 0;
  return (
    <Link to="/notices" className="relative flex size-10 items-center justify-center rounded-lg text-soft hover:bg-sunk hover:text-ink">
      <Icon aria-hidden className="size-4" />
      <span className="sr-only">{t("nav.notices")}</span>
      {unread > 0 && (
        <span className="absolute top-1 right-1 min-w-4 rounded-full bg-bad px-1 text-center text-[0.65rem] leading-4 font-semibold text-on-brand">{unread}</span>
      )}
    </Link>
  );
}
