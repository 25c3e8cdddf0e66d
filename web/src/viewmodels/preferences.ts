import { type Language, preferredLanguage, setLanguage } from "../i18n";
import { type Observable, Value } from "../matrix/observable";
import type { Environment } from "./environment";

/** How the page looks: `system` follows the computer's setting, also for more contrast. */
export type Theme = "system" | "light" | "dark" | "contrast";

// `public/theme.js` reads these names before the first paint.
const themeKey = "pli.theme";
const languageKey = "pli.language";

const isTheme = (text: string | null): text is Theme =>
  text === "light" || text === "dark" || text === "contrast" || text === "system";

/** The theme that the person chose on this browser. */
export function chosenTheme(environment: Environment): Theme {
  const kept = environment.readPreference(themeKey);
  return isTheme(kept) ? kept : "system";
}

/** Keeps the choice for the next visit. */
export function rememberTheme(environment: Environment, theme: Theme): void {
  environment.writePreference(themeKey, theme);
}

/** The language that the person chose on this browser; null if they never did. */
export function chosenLanguage(environment: Environment): Language | null {
  const kept = environment.readPreference(languageKey);
  return kept === "fr" || kept === "en" ? kept : null;
}

/** Keeps the choice for the next visit. */
export function rememberLanguage(environment: Environment, language: Language): void {
  environment.writePreference(languageKey, language);
}

/** At start: speaks the chosen language, else the browser's. */
export function applyLanguage(environment: Environment, browserLanguages: readonly string[]): void {
  setLanguage(preferredLanguage(chosenLanguage(environment) ?? undefined, browserLanguages));
}

/** The theme in use, which the page's root element follows. */
export class ThemeSetting implements Observable<Theme> {
  readonly #environment: Environment;
  readonly #value: Value<Theme>;
  readonly #root: Pick<HTMLElement, "setAttribute" | "removeAttribute">;

  constructor(environment: Environment, root: Pick<HTMLElement, "setAttribute" | "removeAttribute">) {
    this.#environment = environment;
    this.#root = root;
    this.#value = new Value(chosenTheme(environment));
    this.#apply();
  }

  readonly getSnapshot = (): Theme => this.#value.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#value.subscribe(listener);

  /** Changes the page at once and keeps the choice. */
  choose(theme: Theme): void {
    rememberTheme(this.#environment, theme);
    this.#value.set(theme);
    this.#apply();
  }

  #apply(): void {
    const theme = this.getSnapshot();
    if (theme === "system") this.#root.removeAttribute("data-theme");
    else this.#root.setAttribute("data-theme", theme);
  }
}
