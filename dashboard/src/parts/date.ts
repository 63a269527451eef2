// Days and times as people read them, and the moments in which their days begin.
import { useTranslation } from "react-i18next";

import { useMe } from "../session";

type Say = (at: string) => string;

/** Returns what says a day as a person reads it, in their language and their time zone. */
export function useDate(): Say {
  return useForm({ dateStyle: "medium" });
}

/** Returns what says a day and its time. */
export function useMoment(): Say {
  return useForm({ dateStyle: "medium", timeStyle: "short" });
}

const PLACES = { hour: { hour: "numeric" }, day: { month: "numeric", day: "numeric" }, month: { year: "numeric", month: "short" } } as const;

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

/** Returns what says at which moment the clock of its reader shows a day and a time (`2026-03-14T09:30`). */
export function useClock(): (shown: string) => string {
  const { time_zone } = useMe();
  return (shown) => moment(new Date(`${shown}Z`), time_zone);
}

/** Returns the moment in which a day, or the one after it, begins in a time zone. */
export function beginning(day: string, timeZone: string, after = false): string {
  const midnight = new Date(`${day}T00:00:00Z`);
  if (after) midnight.setUTCDate(midnight.getUTCDate() + 1);
  return moment(midnight, timeZone);
}

/** Returns the moment at which the clocks of a time zone show what those of UTC show at `shown`. */
export function moment(shown: Date, timeZone: string): string {
  const zone = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  const seenFrom = (moment: Date) => {
    const offset = zone.formatToParts(moment).find(({ type }) => type === "timeZoneName")?.value.replace("GMT", "") || "Z";
    return new Date(shown.toISOString().replace("Z", offset));
  };
  // What the clock is off by there is asked for again at the moment itself: it may have changed in the hours between.
  return seenFrom(seenFrom(shown)).toISOString();
}

function useForm(style: Intl.DateTimeFormatOptions): Say {
  const { i18n } = useTranslation();
  const { time_zone } = useMe();
  const form = new Intl.DateTimeFormat(i18n.language, { ...style, timeZone: time_zone });
  return (at) => form.format(new Date(at));
}
