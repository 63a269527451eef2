// Money as people type it, and as the API counts it: in the smallest coins of its currency.

/**
 * Returns money as its smallest coins, read digit by digit as it was typed: `5.5` of USD is 550. Null where nothing was
 * typed, undefined for what is no amount of that currency.
 */
export function minorOf(typed: string, currency: string): number | null | undefined {
  const text = typed.trim().replaceAll(",", "");
  if (text === "") return null;
  const places = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 0;
  const [, whole = "", rest = ""] = /^(\d{1,12})(?:\.(\d*))?$/.exec(text) ?? [];
  const minor = Number(whole + rest.padEnd(places, "0"));
  return whole !== "" && rest.length <= places && minor > 0 ? minor : undefined;
}
