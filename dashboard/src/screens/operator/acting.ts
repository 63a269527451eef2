// What every action of an operator ends with: its window closes, it is said what happened, and all figures are asked for again.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { newKey } from "../../parts/once";
import { useTell } from "../../parts/told";

/** Returns what ends an action that worked. */
export function useDone(onClose: () => void): (title: string, description?: string) => Promise<void> {
  const queries = useQueryClient();
  const tell = useTell();
  return async (title, description) => {
    onClose();
    tell({ title, description });
    await queries.invalidateQueries();
  };
}

/** Returns the headers of one action: sent again, it is done once, for the key is that of its window. */
export function useOnce(): { "Idempotency-Key": string } {
  const [key] = useState(newKey);
  return { "Idempotency-Key": key };
}

/** Returns what was typed into a field of a form. */
export function said(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}
