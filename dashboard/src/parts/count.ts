// How many there are of something, in words of the reader's language.
import { useTranslation } from "react-i18next";

/** Returns what says a number of things, as a person reads it. */
export function useCount(): (count: number) => string {
  const { i18n } = useTranslation();
  const form = new Intl.NumberFormat(i18n.language);
  return (count) => form.format(count);
}

/** Returns what says a number of things on an axis, in short; what is no whole number of them is not said. */
export function useWhole(): (count: number) => string {
  const { i18n } = useTranslation();
  const form = new Intl.NumberFormat(i18n.language, { notation: "compact" });
  return (count) => (Number.isInteger(count) ? form.format(count) : "");
}
