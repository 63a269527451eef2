// What amounts are counted in, as a person says it.
import { useTranslation } from "react-i18next";

/** Returns what says the name of a unit; one that a deployment made up stays as it is. */
export function useUnit(): (unit: string) => string {
  const { t } = useTranslation();
  return (unit) => t(`unit.${unit}`, { defaultValue: unit });
}
