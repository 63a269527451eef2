export const en = {
  brand: "tokenhouse",
  skip: "Skip to content",
  nav: { label: "Main", usage: "Usage", chat: "Chat", history: "History", buy: "Buy", keys: "API keys", notices: "Notices" },
  theme: { label: "Theme", light: "Light", dark: "Dark" },
  language: "Language",
  signIn: {
    title: "Sign in",
    email: "E-mail",
    password: "Password",
    send: "Sign in",
    sending: "Signing in …",
    out: "Sign out",
    lead: "See what you have used, and what is left.",
  },
  state: {
    loading: "Loading …",
    offline: "The service cannot be reached. Check your connection; this page tries again by itself.",
    failed: "That did not work",
    again: "Try again",
    forbidden: "This page is for other roles than yours.",
    missing: "There is nothing here.",
    home: "To the first page",
  },
} as const;

type Widened<T> = { [K in keyof T]: T[K] extends string ? string : Widened<T[K]> };
/** What every language has to say. */
export type Words = Widened<typeof en>;
