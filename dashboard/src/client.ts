// The way to the API: same origin, the session's cookie, and its CSRF token on whatever changes something.
import { client } from "./api/client.gen";

let csrf: string | null = null;

/** Remembers the CSRF token of the session that began, or none. */
export function knowCsrf(token: string | null): void {
  csrf = token;
}

client.setConfig({ baseUrl: "", credentials: "same-origin" });
client.interceptors.request.use((request) => {
  if (csrf && request.method !== "GET") request.headers.set("x-csrf-token", csrf);
  request.headers.set("accept-language", document.documentElement.lang);
  return request;
});
