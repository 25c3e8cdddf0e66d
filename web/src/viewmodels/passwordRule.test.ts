import { describe, expect, it } from "vitest";
import { passwordProblem } from "./passwordRule";

const problem = (password: string) => passwordProblem(password, "lea.dubois@interieur.example");

describe("the password rule", () => {
  it("lets a sentence through that nobody would guess", () => {
    expect(problem("quatre tasses de rosée")).toBeNull();
    expect(problem("correct horse battery staple")).toBeNull();
    expect(problem("Zt7!kq-92mLw")).toBeNull();
    expect(problem("четыре чашки росы")).toBeNull();
  });

  it("refuses what is found in an afternoon", () => {
    expect(problem("onze lettre")).toBe("short");
    expect(problem("aaaaaaaaaaaaaaa")).toBe("repetitive");
    expect(problem("abababababab")).toBe("repetitive");
    expect(problem("123456789012")).toBe("common");
    expect(problem("azertyuiop123")).toBe("common");
    expect(problem("MotDePasse2026!")).toBe("common");
    expect(problem("Léa Dubois 2026")).toBe("personal");
    expect(problem("interieur2026!")).toBe("personal");
  });

  it("counts characters as people do, so that accents and emojis are one each", () => {
    expect(problem("🙂🙃😉😊😇🤔🤨😐😶🙄😏😣")).toBeNull();
  });
});
