import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contrast } from "./contrast";

const source = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

/** Every block of colours in the file, with what it inherits from the first. */
function themes(): Array<{ name: string; colours: Map<string, string> }> {
  const blocks = [...source.matchAll(/([^{}]+)\{([^{}]*--paper[^{}]*)\}/g)].map((match) => ({
    name: (match[1] ?? "").replace(/\/\*[\s\S]*?\*\//g, "").trim(),
    colours: new Map(
      [...(match[2] ?? "").matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((pair) => [pair[1] ?? "", pair[2] ?? ""] as const),
    ),
  }));
  const base = blocks[0]?.colours ?? new Map();
  return blocks.map(({ name, colours }, index) => ({ name: `${index} ${name}`, colours: new Map([...base, ...colours]) }));
}

const textPairs: Array<[text: string, ground: string]> = [
  ...["ink", "ink-2", "ink-3", "seal", "alarm"].flatMap(
    (text): Array<[string, string]> => [
      [text, "paper"],
      [text, "sheet"],
    ],
  ),
  ...["paper", "sheet", "hover", "selected", "mine", "theirs", "alarm-soft", "pending-soft"].map((ground): [string, string] => [
    "ink",
    ground,
  ]),
  ...["hover", "selected", "mine", "theirs"].map((ground): [string, string] => ["ink-2", ground]),
  ["ink-3", "mine"],
  ["ink-3", "theirs"],
  ["seal-ink", "seal"],
  ["seal-ink", "seal-hover"],
  ["seal", "seal-soft"],
  ["alarm-ink", "alarm"],
  ["alarm", "alarm-soft"],
  ["pending", "pending-soft"],
  ["guest", "guest-soft"],
];

describe("the palette", () => {
  it("has its themes: light, dark and high contrast, each chosen or by the system", () => {
    expect(themes()).toHaveLength(7);
  });

  it.each(themes())("can be read in $name", ({ name, colours }) => {
    const least = name.includes("contrast") || /^[4-6]/.test(name) ? 7 : 4.5;
    for (const [text, ground] of textPairs) {
      const value = contrast(colours.get(text) ?? "", colours.get(ground) ?? "");
      expect(value, `${text} on ${ground}`).toBeGreaterThanOrEqual(least);
    }
    for (const ground of ["paper", "sheet"]) {
      expect(
        contrast(colours.get("line-strong") ?? "", colours.get(ground) ?? ""),
        `field border on ${ground}`,
      ).toBeGreaterThanOrEqual(3);
    }
  });
});
