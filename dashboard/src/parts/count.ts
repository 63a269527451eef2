import { useTranslation } from "react-i18next";

/** Returns what says a number of things, as a person reads it. */
export function useCount(): (count: number) => string {
  const { i18n } = useTranslation();
  const form = new Intl.NumberFormat(i18n.language);
  return (count) => form.format(count);
}
