import i18next from "i18next";
import { en, fr, type TextKey } from "./resources";

export type { TextKey } from "./resources";

/** The languages Pli speaks. */
export type Language = "fr" | "en";

/** Values for a text's `{{placeholders}}`; `count` chooses the plural form. */
export type TextParameters = Readonly<Record<string, string | number>>;

/** What `t` and `useT()` are: a text in the current language. */
export type Translate = (key: TextKey, parameters?: TextParameters) => string;

/** The person's language: what they chose, else the first of the browser's languages that Pli speaks, else English. */
export function preferredLanguage(chosen: string | undefined, browser: readonly string[]): Language {
  for (const candidate of [chosen, ...browser]) {
    const base = candidate?.toLowerCase().split("-")[0];
    if (base === "fr" || base === "en") return base;
  }
  return "en";
}

const texts = i18next.createInstance();
void texts.init({
  lng: preferredLanguage(undefined, globalThis.navigator?.languages ?? []),
  fallbackLng: "en",
  resources: { en, fr },
  ns: Object.keys(en),
  defaultNS: "common",
  keySeparator: false,
  nsSeparator: ":",
  interpolation: { escapeValue: false },
  initAsync: false,
});

const listeners = new Set<() => void>();

/** The text `key` in the current language, with `parameters` put in its `{{placeholders}}`. */
export const t: Translate = (key, parameters) => texts.t(key, { ...parameters });

/** The language in use. */
export function currentLanguage(): Language {
  return texts.language === "fr" ? "fr" : "en";
}

/** Switches every text to `language` at once and tells those who {@link onLanguageChange | listen}. */
export function setLanguage(language: Language): void {
  void texts.changeLanguage(language);
  if (globalThis.document) document.documentElement.lang = language;
  for (const listener of listeners) listener();
}

/** Calls `listener` after each change of language, until the returned function is called. */
export function onLanguageChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
