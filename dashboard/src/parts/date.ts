import { useTranslation } from "react-i18next";

import { useMe } from "../session";

type Say = (at: string) => string;

/** Returns what says a day as a person reads it, in their language and their time zone. */
export function useDate(): Say {
  return useForm({ dateStyle: "medium" });
}

/** Returns what says a day and its time. */
export function useMoment(): Say {
  return useForm({ dateStyle: "short", timeStyle: "short" });
}

function useForm(style: Intl.DateTimeFormatOptions): Say {
  const { i18n } = useTranslation();
  const { time_zone } = useMe();
  const form = new Intl.DateTimeFormat(i18n.language, { ...style, timeZone: time_zone });
  return (at) => form.format(new Date(at));
}
