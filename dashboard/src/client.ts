// The way to the API: same origin, the session's cookie, and its CSRF token on whatever changes something. The cookie
// itself is hidden from scripts; beside it stands one that only says that there is a session.
import { client } from "./api/client.gen";

let csrf: string | null = null;
let ended = false;

const HINT = "tokenhouse-signed-in";

/** Tells whether somebody seems to be signed in: enough to ask who. */
export function seemsSignedIn(): boolean {
  return document.cookie.split("; ").some((one) => one.startsWith(`${HINT}=`));
}

/** Forgets the session, which is over. */
export function forgetSession(): void {
  csrf = null;
  document.cookie = `${HINT}=; Path=/app; Max-Age=0`;
}

/** Remembers that a session was over before its person left: whoever is sent to the way in is told so. */
export function knowEnd(): void {
  ended = true;
  forgetSession();
}

/** Tells whether a session ended by itself, and none has begun since. */
export function hasEnded(): boolean {
  return ended;
}

/** Remembers the CSRF token of the session that began, or none. */
export function knowCsrf(token: string | null): void {
  csrf = token;
  ended = false;
}

client.setConfig({ baseUrl: "", credentials: "same-origin" });
client.interceptors.request.use((request) => {
  if (csrf && request.method !== "GET") request.headers.set("x-csrf-token", csrf);
  request.headers.set("accept-language", document.documentElement.lang);
  return request;
});
