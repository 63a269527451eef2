import { useTranslation } from "react-i18next";

import { useMe } from "../session";

/** Returns what says a moment as a person reads it, in their language and their time zone. */
export function useDate(): (at: string) => string {
  const { i18n } = useTranslation();
  const { time_zone } = useMe();
  const form = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeZone: time_zone });
  return (at) => form.format(new Date(at));
}
