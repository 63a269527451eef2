// What a verification looked at, in words.
import type { TFunction } from "i18next";

import type { Verification } from "../../../api";

/** Says what a verification looks at. */
export function scope(work: Verification, t: TFunction): string {
  if (work.account !== null) return work.account;
  return work.cell === null ? t("integrity.all") : t("integrity.cell", { cell: work.cell });
}
