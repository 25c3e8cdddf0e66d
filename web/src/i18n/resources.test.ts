import { describe, expect, it } from "vitest";
import { preferredLanguage } from ".";
import { en, fr } from "./resources";

type Texts = Record<string, Record<string, string>>;

const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();
const entries = (texts: Texts) =>
  Object.entries(texts).flatMap(([namespace, keys]) =>
    Object.entries(keys).map(([key, text]) => [`${namespace}:${key}`, text] as const),
  );

describe("the texts", () => {
  it("exist in both languages, so that nobody is shown a key or the other language", () => {
    const names = (texts: Texts) =>
      entries(texts)
        .map(([name]) => name)
        .sort();
    expect(names(fr)).toEqual(names(en));
  });

  it("name the same placeholders in both languages, so that no value is lost in translation", () => {
    const english = new Map(entries(en));
    // A singular may say « une » instead of the number.
    const withoutCount = (text: string) => placeholders(text).filter((name) => name !== "count");
    for (const [name, text] of entries(fr))
      expect([name, withoutCount(text)]).toEqual([name, withoutCount(english.get(name) ?? "")]);
  });

  it("are never empty", () => {
    for (const [name, text] of [...entries(fr), ...entries(en)]) expect([name, text.trim().length > 0]).toEqual([name, true]);
  });
});

describe("the language", () => {
  it("is the chosen one, else the browser's first that Pli speaks, else English", () => {
    expect(preferredLanguage("en", ["fr-FR"])).toBe("en");
    expect(preferredLanguage(undefined, ["br", "fr-CA", "en"])).toBe("fr");
    expect(preferredLanguage(undefined, ["de-DE"])).toBe("en");
  });
});
