// The words of the pages, in both languages: chosen by the person, else by the browser. Each screen brings its own.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "language";

/** Tells whether it is a language that the pages speak. */
export function isLanguage(name: string): name is Language {
  return name in LANGUAGES;
}

interface Words {
  readonly [name: string]: string | Words;
}
type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> };

function first(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages].map((one) => one?.slice(0, 2));
  return wanted.find((one): one is Language => one === "en" || one === "ko") ?? "en";
}

/** Speaks another language from now on, and the next time as well. */
export async function speak(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language);
  document.documentElement.lang = language;
  await i18next.changeLanguage(language);
}

/** Adds what a screen says; what one language has and the other lacks is an error of types. */
export function say<const T extends Words>(words: { en: T; ko: Same<T> }): void {
  i18next.addResourceBundle("en", "translation", words.en, true);
  i18next.addResourceBundle("ko", "translation", words.ko, true);
}

void i18next.use(initReactI18next).init({
  lng: first(),
  resources: { en: { translation: {} }, ko: { translation: {} } },
  interpolation: { escapeValue: false },
  returnNull: false,
  saveMissing: true,
  missingKeyHandler: (_languages, _area, key) => console.error(`No words for ${key}.`),
});
document.documentElement.lang = i18next.language;
