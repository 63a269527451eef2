// A plan's document while somebody writes it: reading and replacing one of its fields by path, and keeping it for a reload.
export type Doc = { readonly [name: string]: unknown };

export function read(document: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((part, name) => (part as Doc | undefined)?.[name], document);
}

/** Returns the document with one field replaced; what it came from stays as it was. */
export function replaced(document: Doc, path: string, value: unknown): Doc {
  const [name = "", ...rest] = path.split(".");
  return { ...document, [name]: rest.length === 0 ? value : replaced((document[name] ?? {}) as Doc, rest.join("."), value) };
}

/** Returns what was typed as the API takes it: a whole number where it is one, or else the text, exactly. */
export function typed(text: string): number | string | null {
  const plain = text.trim();
  if (plain === "") return null;
  return /^\d+$/.test(plain) && Number.isSafeInteger(Number(plain)) ? Number(plain) : plain;
}

/** Returns what stands between commas. */
export function parted(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

const KEPT = (name: string) => `plan-written:${name}`;

/** What somebody has written so far, and from which version of the plan on. */
interface Written {
  document: Doc;
  from: number;
}

export function keep(name: string, written: Written): void {
  sessionStorage.setItem(KEPT(name), JSON.stringify(written));
}

export function kept(name: string): Written | null {
  const text = sessionStorage.getItem(KEPT(name));
  return text === null ? null : (JSON.parse(text) as Written);
}

export function forget(name: string): void {
  sessionStorage.removeItem(KEPT(name));
}
