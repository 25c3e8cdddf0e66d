import { describe, expect, it } from "vitest";
import { avatarColour, avatarColours, initials } from "./avatarColour";
import { contrast } from "./contrast";

describe("an avatar", () => {
  it("shows the initials a person would write", () => {
    expect(initials("Claire Martin [Intérieur]")).toBe("CM");
    expect(initials("Jean-Pierre de La Tour")).toBe("JT");
    expect(initials("élodie")).toBe("É");
    expect(initials("Cellule de crise")).toBe("CC");
    expect(initials("🙂")).toBe("?");
    expect(initials("")).toBe("?");
  });

  it("keeps its colour, so that people are recognised by it", () => {
    expect(avatarColour("@claire.martin:interieur.example")).toBe(avatarColour("@claire.martin:interieur.example"));
    const used = new Set(Array.from({ length: 200 }, (_, index) => avatarColour(`@person${index}:interieur.example`)));
    expect(used.size).toBe(avatarColours.length);
  });

  it("has initials that can be read on every colour", () => {
    for (const colour of avatarColours) expect(contrast("#ffffff", colour), colour).toBeGreaterThanOrEqual(4.5);
  });
});
