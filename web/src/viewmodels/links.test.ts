import { describe, expect, it } from "vitest";
import { textParts } from "./links";

const links = (text: string) => textParts(text).flatMap((part) => (part.kind === "link" ? [part.href] : []));

describe("links in messages", () => {
  it("are found in the middle of a sentence, without its punctuation", () => {
    expect(links("Voir https://interieur.example/note?x=1#a, puis (https://justice.example).")).toEqual([
      "https://interieur.example/note?x=1#a",
      "https://justice.example",
    ]);
    expect(links("écrivez à claire.martin@interieur.fr")).toEqual(["mailto:claire.martin@interieur.fr"]);
  });

  it("never run a script, whatever the text says", () => {
    for (const trap of ["javascript:alert(1)", "data:text/html,<script>1</script>", "vbscript:x", "file:///etc/passwd"]) {
      expect(links(trap).filter((href) => !href.startsWith("https://") && !href.startsWith("mailto:"))).toEqual([]);
    }
  });

  it("leave the text as it was written, tags included", () => {
    for (const text of ["<b>gras</b> https://a.example/<i>", "rien", "", "a\nhttps://a.example\nb"]) {
      expect(
        textParts(text)
          .map((part) => part.text)
          .join(""),
      ).toBe(text);
    }
  });
});
