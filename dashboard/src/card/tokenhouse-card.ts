// <tokenhouse-card>: the usage card on any site, by one script tag and a token of some minutes.
//
//   <script src="https://tokens.example.com/app/card.js" async></script>
//   <tokenhouse-card token-url="/my-card-token"></tokenhouse-card>
//
// `token-url` is a path of the site itself that answers {"token": "tc_…"}; it is asked again when a token has ended.
// Or the page gives a `token` itself. `lang` and `theme` ("light", "dark") follow the page where they are left out.
// Events: "tokenhouse-buy" when somebody wants to buy (preventDefault keeps them on the page), "tokenhouse-ended".
import type { Card } from "../api/types.gen";
import { CARD } from "../words/card";
import style from "./style.css?inline";

const ASKED_EVERY_MS = 15_000;
const OFFERED = ["buy", "warning", "critical", "blocked"];
const UNAUTHENTICATED = 401;
/** Where the script came from is where the service is. */
const HOME = new URL((document.currentScript as HTMLScriptElement | null)?.src ?? location.href).origin;

type Words = (typeof CARD)["en"]["both"] & (typeof CARD)["en"]["alone"];

class EndedError extends Error {}

/** One element of HTML: its tag, what it has, and what is in it. Text stays text, whatever it says. */
function element(tag: string, has: Record<string, string> = {}, ...inside: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(has)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name] ?? ""));
}

export class TokenhouseCard extends HTMLElement {
  static observedAttributes = ["token", "token-url", "lang"];
  /** A function that gets a token, for applications that have their own way to their back end. */
  getToken: (() => Promise<string>) | null = null;

  readonly #root = this.attachShadow({ mode: "open" });
  #token = "";
  #timer = 0;
  #shown: Card | null = null;
  #asked = 0;
  #stale = false;
  readonly #seen = () => {
    if (!document.hidden) void this.#ask();
  };

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    this.#root.adoptedStyleSheets = [sheet];
  }

  connectedCallback(): void {
    this.#say(this.#words.loading);
    document.addEventListener("visibilitychange", this.#seen);
    this.#timer = window.setInterval(this.#seen, ASKED_EVERY_MS);
    queueMicrotask(() => void this.#ask()); // Whoever made this element may still set its properties.
  }

  disconnectedCallback(): void {
    document.removeEventListener("visibilitychange", this.#seen);
    window.clearInterval(this.#timer);
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now || !this.isConnected) return;
    if (name === "lang") this.#shown !== null ? this.#show(this.#shown) : this.#say(this.#words.loading);
    else {
      this.#token = "";
      void this.#ask();
    }
  }

  get #language(): "en" | "ko" {
    return (this.lang || document.documentElement.lang || navigator.language).startsWith("ko") ? "ko" : "en";
  }

  get #words(): Words {
    const { both, alone } = CARD[this.#language];
    return { ...both, ...alone };
  }

  /** Asks for the card, with another token if this one has ended; the latest question's answer is shown. */
  async #ask(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const card = await this.#card();
      if (mine !== this.#asked) return;
      // What stands there already is not said again to who listens.
      if (!this.#stale && JSON.stringify(card) === JSON.stringify(this.#shown)) return;
      this.#shown = card;
      this.#show(card);
    } catch (trouble) {
      if (mine !== this.#asked) return;
      const ended = trouble instanceof EndedError;
      if (ended) this.dispatchEvent(new CustomEvent("tokenhouse-ended", { bubbles: true }));
      if (ended || this.#shown === null) this.#say(ended ? this.#words.ended : this.#words.failed);
      else this.#doubt();
    }
  }

  async #card(): Promise<Card> {
    for (const fresh of [false, true]) {
      if (fresh || this.#token === "") this.#token = await this.#another();
      const answer = await fetch(`${HOME}/api/v1/card`, { headers: { authorization: `Bearer ${this.#token}` }, credentials: "omit" });
      if (answer.ok) return (await answer.json()) as Card;
      if (answer.status !== UNAUTHENTICATED) throw new Error(`${answer.status}`);
      if (!this.getToken && !this.hasAttribute("token-url")) break;
    }
    throw new EndedError();
  }

  async #another(): Promise<string> {
    if (this.getToken) return this.getToken();
    const url = this.getAttribute("token-url");
    if (!url) return this.getAttribute("token") ?? "";
    const answer = await fetch(url, { method: "POST", headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return ((await answer.json()) as { token: string }).token;
  }

  #say(text: string): void {
    this.#stale = false;
    this.#shown = null;
    this.#root.replaceChildren(element("section", { part: "card" }, element("p", { role: "status", class: "between" }, text)));
  }

  /** Says below what was last seen that it may be old. */
  #doubt(): void {
    if (this.#stale) return;
    this.#stale = true;
    this.#root.querySelector("section")?.append(element("p", { role: "status", class: "between stale" }, this.#words.stale));
  }

  #show(card: Card): void {
    this.#stale = false;
    const words = this.#words;
    const percent = card.used_percent;
    const bar = element("div");
    bar.style.width = `${Math.min(percent, 100)}%`;
    const meter = element("div", { class: "meter", role: "meter", "aria-label": words.used, "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
    meter.setAttribute("aria-valuenow", String(Math.min(percent, 100)));
    meter.setAttribute("aria-valuetext", filled(words.percent, { percent }));
    const below = [element("span", {}, filled(words.usedOf, { used: card.used.shown, percent }))];
    if (card.period_end_at) {
      const day = new Intl.DateTimeFormat(this.#language, { dateStyle: "medium", timeZone: card.time_zone });
      below.push(element("span", {}, filled(words.renews, { at: day.format(new Date(card.period_end_at)) })));
    }
    const shut = card.state === "active" ? undefined : words.shut[card.state as keyof Words["shut"]];
    const state = element("p", { class: "state", role: "status" }, shut ?? words.state[card.level]);
    if (!shut && card.estimated_turns !== null && card.level !== "blocked") {
      const turns = [words.turnsNone, words.turnsOne][card.estimated_turns] ?? words.turns;
      state.append(" ", element("span", {}, filled(turns, { count: card.estimated_turns })));
    }
    const unit = words.unit[card.remaining.unit as keyof Words["unit"]] ?? card.remaining.unit;
    const inside = [
      element("div", { class: "between" }, element("span", {}, words.left), element("span", {}, filled(words.plan, { plan: card.plan_title }))),
      element("p", { class: "left" }, card.remaining.shown, " ", element("small", {}, unit)),
      meter,
      element("div", { class: "between" }, ...below),
      state,
      ...(!shut && OFFERED.includes(card.level) ? [this.#buy(card)] : []),
    ];
    const section = element("section", { part: "card", lang: this.#language, "data-level": card.level, "aria-label": words.left }, ...inside);
    section.style.setProperty("--level", `var(--${shut ? "blocked" : card.level})`);
    this.#root.replaceChildren(section);
  }

  #buy(card: Card): HTMLElement {
    const link = element("a", { part: "buy", href: card.purchase_url, target: "_blank", rel: "noopener" }, this.#words.buy);
    link.addEventListener("click", (click) => {
      const asked = new CustomEvent("tokenhouse-buy", { bubbles: true, cancelable: true, detail: { url: card.purchase_url } });
      if (!this.dispatchEvent(asked)) click.preventDefault();
    });
    return link;
  }
}

if (!customElements.get("tokenhouse-card")) customElements.define("tokenhouse-card", TokenhouseCard);
