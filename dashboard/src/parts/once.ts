// Names that are used once.
/** Returns a name that nobody has used before: an idempotency key, or a new conversation's id. */
export function newKey(): string {
  // `randomUUID` is absent where a page came without TLS; this is not.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
