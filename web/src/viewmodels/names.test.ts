import { describe, expect, it } from "vitest";
import { firstName, roomTitle, splitName } from "./names";
import { claire } from "./testing";

describe("a display name", () => {
  it("is told from the organisation after it, so that sentences stay readable", () => {
    expect(splitName("Awa Koné [Justice]")).toEqual({ name: "Awa Koné", organisation: "Justice" });
    expect(splitName("Awa Koné")).toEqual({ name: "Awa Koné", organisation: null });
    expect(firstName("Awa Koné [Justice]")).toBe("Awa");
  });

  it("is never lost, however odd it is", () => {
    for (const odd of ["[Justice]", "[]", "Awa [", "Awa [] ", ""]) expect(splitName(odd).name).toBe(odd);
  });

  it("leaves brackets in a group's name alone", () => {
    expect(roomTitle({ name: "Projet [2027]", partner: null })).toBe("Projet [2027]");
    expect(roomTitle({ name: "Claire Martin [Intérieur]", partner: claire })).toBe("Claire Martin");
  });
});
