import { Fragment, type ReactNode, useSyncExternalStore } from "react";
import { currentLanguage, type Language, onLanguageChange, type TextKey, type TextParameters, type Translate, t } from ".";

/** The current language; the component renders again when it changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(onLanguageChange, currentLanguage);
}

/** `t` for a component: it renders again when the language changes. */
export function useT(): Translate {
  useLanguage();
  return t;
}

/** A text whose `{{placeholders}}` may be elements, for example a name in bold: `<Text k="auth:code.sent" values={{ address: <b>…</b> }} />`. */
export function Text({ k, values }: { k: TextKey; values: Readonly<Record<string, ReactNode>> }): ReactNode {
  const translate = useT();
  const marks: TextParameters = Object.fromEntries(Object.keys(values).map((name) => [name, `\u0001${name}\u0001`]));
  const parts = translate(k, marks).split("\u0001");
  // The order of the parts of one text never changes between renders, so the position is a sound key.
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  return parts.map((part, position) => <Fragment key={position}>{position % 2 === 1 ? values[part] : part}</Fragment>);
}
