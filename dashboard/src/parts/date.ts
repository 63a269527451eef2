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

const PLACES = { hour: { hour: "numeric" }, day: { month: "numeric", day: "numeric" }, month: { year: "2-digit", month: "short" } } as const;

/** Returns what says the place of a stretch of time on an axis, by the clock that it was cut by. */
export function usePlace(every: keyof typeof PLACES, timeZone: string): Say {
  const { i18n } = useTranslation();
  const form = new Intl.DateTimeFormat(i18n.language, { ...PLACES[every], timeZone });
  return (at) => form.format(new Date(at));
}

/** Returns what says when a day (`2026-03-14`) begins where its reader lives; with `after`, when the next one does. */
export function useBeginning(): (day: string, after?: boolean) => string {
  const { time_zone } = useMe();
  return (day, after = false) => beginning(day, time_zone, after);
}

/** Returns the moment in which a day, or the one after it, begins in a time zone. */
export function beginning(day: string, timeZone: string, after = false): string {
  const midnight = new Date(`${day}T00:00:00Z`);
  if (after) midnight.setUTCDate(midnight.getUTCDate() + 1);
  const zone = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  const seenFrom = (moment: Date) => {
    const offset = zone.formatToParts(moment).find(({ type }) => type === "timeZoneName")?.value.replace("GMT", "") || "Z";
    return new Date(midnight.toISOString().replace("Z", offset));
  };
  // What the clock is off by there is asked for again at the moment itself: it may have changed in the hours between.
  return seenFrom(seenFrom(midnight)).toISOString();
}

function useForm(style: Intl.DateTimeFormatOptions): Say {
  const { i18n } = useTranslation();
  const { time_zone } = useMe();
  const form = new Intl.DateTimeFormat(i18n.language, { ...style, timeZone: time_zone });
  return (at) => form.format(new Date(at));
}
