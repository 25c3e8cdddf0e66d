import { beforeEach, describe, expect, it } from "vitest";
import { setLanguage } from "../i18n";
import type { ItemBody, MembershipChange, Person, RoomPreview } from "../matrix/types";
import { awa, claire, hugo, item, lea, room, samir } from "./testing";
import { joinNames, noticeText, previewText, typingText } from "./wording";

const me = lea.userId;
const change = (kind: MembershipChange, target: Person, reason: string | null = null): ItemBody => ({
  kind: "membership",
  change: kind,
  target,
  reason,
});

beforeEach(() => setLanguage("fr"));

describe("a list of names", () => {
  it("is a sentence's, and stays short in a group of thirty", () => {
    expect(joinNames(["Claire"])).toBe("Claire");
    expect(joinNames(["Claire", "Samir", "Awa"])).toBe("Claire, Samir et Awa");
    expect(joinNames(["Claire", "Samir", "Awa", "Hugo"])).toBe("Claire, Samir et 2 autres personnes");
    setLanguage("en");
    expect(joinNames(["Claire", "Samir"])).toBe("Claire and Samir");
  });
});

describe("a notice", () => {
  it("tells one's own deeds and fate in the second person", () => {
    expect(noticeText([item("a", claire, { body: change("invited", lea) })], me)).toBe("Claire Martin vous a invité");
    expect(noticeText([item("a", lea, { mine: true, body: change("invited", awa) })], me)).toBe("Vous avez invité Awa Koné");
    expect(noticeText([item("a", lea, { mine: true, body: change("joined", lea) })], me)).toBe(
      "Vous avez rejoint la conversation",
    );
  });

  it("agrees with the number of people", () => {
    expect(noticeText([item("a", awa, { body: change("joined", awa) })], me)).toBe("Awa Koné a rejoint la conversation");
    const both = [item("a", awa, { body: change("joined", awa) }), item("b", hugo, { body: change("joined", hugo) })];
    expect(noticeText(both, me)).toBe("Awa Koné et Hugo Petit ont rejoint la conversation");
  });

  it("never shows an id, and gives the reason when there is one", () => {
    const text = noticeText([item("a", claire, { body: change("removed", samir, "mutation") })], me);
    expect(text).toBe("Claire Martin a retiré Samir Benali de la conversation : mutation");
    expect(text).not.toContain("@");
  });
});

describe("the line under a conversation's name", () => {
  const preview = (part: Partial<RoomPreview>): RoomPreview => ({
    sender: claire,
    mine: false,
    ts: 0,
    content: { kind: "text", text: "la note est\npartie" },
    sendStatus: null,
    ...part,
  });

  it("says who spoke in a group, and does not in a conversation of two", () => {
    expect(previewText(room("!a", "Cellule", { preview: preview({}) }), me)).toBe("Claire : la note est partie");
    expect(previewText(room("!a", "Claire Martin", { partner: claire, preview: preview({}) }), me)).toBe("la note est partie");
    expect(previewText(room("!a", "Cellule", { preview: preview({ mine: true, sender: lea }) }), me)).toBe(
      "Vous : la note est partie",
    );
  });

  it("gives way to who is typing", () => {
    expect(previewText(room("!a", "Cellule", { typing: ["Samir Benali"], preview: preview({}) }), me)).toBe("Samir écrit…");
    expect(previewText(room("!a", "Samir", { partner: samir, typing: ["Samir Benali"] }), me)).toBe("écrit…");
  });

  it("has a word for what is not text", () => {
    const said = (content: RoomPreview["content"]) => previewText(room("!a", "C", { preview: preview({ content }) }), me);
    expect(said({ kind: "image", name: "IMG_1.jpg" })).toBe("Claire : Photo");
    expect(said({ kind: "file", name: "note.pdf" })).toBe("Claire : Fichier : note.pdf");
    expect(said({ kind: "unreadable" })).toBe("Claire : Nouveau message");
    expect(said({ kind: "membership", change: "joined", target: awa })).toBe("Awa Koné a rejoint la conversation");
  });
});

describe("who is typing", () => {
  it("is told for one, two and many", () => {
    expect(typingText([])).toBe("");
    expect(typingText(["Samir"])).toBe("Samir écrit…");
    expect(typingText(["Samir", "Awa"])).toBe("Samir et Awa écrivent…");
    expect(typingText(["Samir", "Awa", "Hugo"])).toBe("Plusieurs personnes écrivent…");
  });
});
