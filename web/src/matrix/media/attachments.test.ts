import { describe, expect, it } from "vitest";
import { addressed, decryptAttachment, encryptAttachment } from "./attachments";

const clear = new TextEncoder().encode("la liste des invités, strictement confidentielle").buffer as ArrayBuffer;

describe("a file on the server", () => {
  it("is what the specification calls an EncryptedFile, and comes back as it was", async () => {
    const { ciphertext, file } = await encryptAttachment(clear);
    expect(file.v).toBe("v2");
    expect(file.key).toMatchObject({ kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"] });
    expect(file.key.k).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(file.iv).toMatch(/^[A-Za-z0-9+/]{22}$/);
    expect(file.hashes.sha256).toMatch(/^[A-Za-z0-9+/]{43}$/);
    const back = await decryptAttachment(ciphertext, addressed(file, "mxc://a.example/1"));
    expect(new Uint8Array(back)).toEqual(new Uint8Array(clear));
  });

  it("leaves half of the IV for counting blocks", async () => {
    const { file } = await encryptAttachment(clear);
    const iv = Uint8Array.from(atob(file.iv), (char) => char.charCodeAt(0));
    expect([...iv.subarray(8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("never has the key or IV of another", async () => {
    const files = await Promise.all(Array.from({ length: 20 }, () => encryptAttachment(clear)));
    expect(new Set(files.map(({ file }) => file.key.k)).size).toBe(20);
    expect(new Set(files.map(({ file }) => file.iv)).size).toBe(20);
  });

  it("is refused, not shown, if a single bit of it was changed", async () => {
    const { ciphertext, file } = await encryptAttachment(clear);
    new Uint8Array(ciphertext)[3] = (new Uint8Array(ciphertext)[3] ?? 0) ^ 1;
    await expect(decryptAttachment(ciphertext, addressed(file, "mxc://a.example/1"))).rejects.toMatchObject({
      kind: "media-corrupt",
    });
  });

  it("is refused if its description is damaged", async () => {
    const { ciphertext, file } = await encryptAttachment(clear);
    for (const damaged of [
      { ...file, iv: "AAAA" },
      { ...file, iv: "***" },
      { ...file, key: { ...file.key, k: "c2hvcnQ" } },
      { ...file, hashes: { sha256: "" } },
    ]) {
      await expect(decryptAttachment(ciphertext, addressed(damaged, "mxc://a.example/1"))).rejects.toMatchObject({
        kind: "media-corrupt",
      });
    }
  });
});
