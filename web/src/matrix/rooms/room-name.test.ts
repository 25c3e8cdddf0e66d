import { RoomNameType } from "matrix-js-sdk";
import { describe, expect, it } from "vitest";
import { roomNameGenerator } from "./room-name";

const fr = roomNameGenerator("fr");
const en = roomNameGenerator("en");

describe("the name of a conversation that nobody named", () => {
  it("lists people, then counts the rest", () => {
    const names = ["Claire Martin", "Samir Benali", "Awa Koné", "Hugo Petit"];
    expect(fr("!r", { type: RoomNameType.Generated, names: names.slice(0, 1), count: 2 })).toBe("Claire Martin");
    expect(fr("!r", { type: RoomNameType.Generated, names: names.slice(0, 2), count: 3 })).toBe("Claire Martin et Samir Benali");
    expect(en("!r", { type: RoomNameType.Generated, names, count: 31 })).toBe(
      "Claire Martin, Samir Benali, Awa Koné and 27 others",
    );
    expect(fr("!r", { type: RoomNameType.Generated, names, count: 5 })).toBe("Claire Martin, Samir Benali, Awa Koné et 1 autre");
  });

  it("never shows an identifier", () => {
    expect(fr("!r", { type: RoomNameType.Generated, names: ["Claire (@claire:a.example)"], count: 2 })).toBe("Claire");
    expect(fr("!r", { type: RoomNameType.Generated, names: ["@claire:a.example"], count: 2 })).toBe("claire");
    expect(fr("!r", { type: RoomNameType.Actual, name: "#bureau:a.example" })).toBe("bureau");
  });

  it("says so when everybody left", () => {
    expect(fr("!r", { type: RoomNameType.EmptyRoom })).toBe("Conversation vide");
    expect(en("!r", { type: RoomNameType.EmptyRoom, oldName: "Claire Martin" })).toBe("Claire Martin");
  });
});
