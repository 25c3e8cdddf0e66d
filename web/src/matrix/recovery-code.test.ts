import { describe, expect, it } from "vitest";
import { Failure } from "./errors";
import { createRecoveryCode, readRecoveryCode } from "./recovery-code";

function bare(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "");
}

describe("a recovery code", () => {
  it.each(["fr", "en"] as const)("is twelve words in composed form (%s), and reads back as itself", (language) => {
    for (let round = 0; round < 50; round += 1) {
      const code = createRecoveryCode(language);
      expect(code.split(" ")).toHaveLength(12);
      expect(code).toBe(code.normalize("NFC"));
      expect(readRecoveryCode(code)).toContain(code);
    }
  });

  it("never comes twice", () => {
    const codes = new Set(Array.from({ length: 200 }, () => createRecoveryCode("fr")));
    expect(codes.size).toBe(200);
  });

  it.each(["fr", "en"] as const)("forgives how a person writes it down and types it (%s)", (language) => {
    for (let round = 0; round < 50; round += 1) {
      const code = createRecoveryCode(language);
      const words = code.split(" ");
      expect(readRecoveryCode(code.toUpperCase())).toContain(code);
      expect(readRecoveryCode(bare(code))).toContain(code);
      expect(readRecoveryCode(code.normalize("NFD"))).toContain(code);
      expect(readRecoveryCode(`  ${words.join(" \u00a0\n ")}  `)).toContain(code);
      expect(readRecoveryCode(words.map((word, index) => `${index + 1}. ${word},`).join("\n"))).toContain(code);
      expect(readRecoveryCode(words.map((word) => bare(word).slice(0, 4)).join(" "))).toContain(code);
    }
  });

  it("tells which word it does not know", () => {
    const words = createRecoveryCode("fr").split(" ");
    words[4] = "xyzzy";
    const failure = catchFailure(() => readRecoveryCode(words.join(" ")));
    expect(failure.info).toMatchObject({ kind: "recovery-code-malformed", wordIndex: 4 });
  });

  it("refuses too few words, too many, and a wrong order", () => {
    const words = createRecoveryCode("en").split(" ");
    expect(catchFailure(() => readRecoveryCode(words.slice(0, 11).join(" "))).kind).toBe("recovery-code-malformed");
    expect(catchFailure(() => readRecoveryCode([...words, words[0]].join(" "))).kind).toBe("recovery-code-malformed");
    expect(catchFailure(() => readRecoveryCode("")).kind).toBe("recovery-code-malformed");
    // The checksum finds fifteen of sixteen mistakes.
    const shuffles = Array.from({ length: 11 }, (_, index) => {
      const copy = [...words];
      [copy[index], copy[index + 1]] = [copy[index + 1] ?? "", copy[index] ?? ""];
      return copy.join(" ");
    }).filter((code) => code !== words.join(" "));
    const refused = shuffles.filter((code) => {
      try {
        readRecoveryCode(code);
        return false;
      } catch {
        return true;
      }
    });
    expect(refused.length).toBeGreaterThan(shuffles.length / 2);
  });
});

function catchFailure(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
