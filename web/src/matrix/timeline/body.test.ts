import { describe, expect, it } from "vitest";
import { harmlessType, isPicture } from "../media/mime";
import { cleanName, localPart, mxcOrNull } from "../session/people-cache";
import { cleanFileName, encryptedFile, messageBody } from "./body";

const file = {
  url: "mxc://a.example/abc",
  key: {
    kty: "oct",
    alg: "A256CTR",
    ext: true,
    k: "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0",
    key_ops: ["encrypt", "decrypt"],
  },
  iv: "w+sE15fzSc0AAAAAAAAAAA",
  hashes: { sha256: "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA" },
  v: "v2",
};

describe("what a message says", () => {
  it("is its text, without the quotation that older apps put before an answer", () => {
    const body = "> <@a:b> la question\n> suite\n\nla réponse";
    expect(messageBody({ msgtype: "m.text", body })).toMatchObject({ text: body });
    const answer = { msgtype: "m.text", body, "m.relates_to": { "m.in_reply_to": { event_id: "$1" } } };
    expect(messageBody(answer)).toMatchObject({ kind: "text", text: "la réponse" });
  });

  it("is shown as text when its type is unknown, so that nothing said is lost", () => {
    expect(messageBody({ msgtype: "org.example.new", body: "bonjour" })).toMatchObject({ kind: "text", text: "bonjour" });
    expect(messageBody({})).toMatchObject({ kind: "text", text: "" });
  });

  it("hides the request of a verification", () => {
    expect(messageBody({ msgtype: "m.key.verification.request", body: "…" })).toBeNull();
  });

  it("is a file with a name, and a caption only where there is one", () => {
    const content = {
      msgtype: "m.image",
      body: "mer.png",
      filename: "mer.png",
      file,
      info: { mimetype: "image/png", w: 4, h: 3, size: 9 },
    };
    expect(messageBody(content)).toMatchObject({ kind: "image", name: "mer.png", caption: null, width: 4, height: 3, size: 9 });
    expect(messageBody({ ...content, body: "à la plage" })).toMatchObject({ name: "mer.png", caption: "à la plage" });
    // Before captions existed, the body was the name.
    const { filename: _filename, ...old } = content;
    expect(messageBody(old)).toMatchObject({ name: "mer.png", caption: null });
  });

  it("falls back to text when the file's description is not whole", () => {
    const { iv: _iv, ...broken } = file;
    expect(messageBody({ msgtype: "m.file", body: "x.pdf", file: broken })).toMatchObject({ kind: "text", text: "x.pdf" });
    expect(encryptedFile({ ...file, v: "v1" })).toBeNull();
    expect(encryptedFile({ ...file, key: { ...file.key, alg: "A128CTR" } })).toBeNull();
    expect(encryptedFile({ ...file, url: "https://elsewhere.example/x" })).toBeNull();
  });

  it("ignores sizes that are no sizes", () => {
    const content = { msgtype: "m.file", body: "x", file, info: { size: -1, w: "4", h: Number.NaN, mimetype: 'text/html"><' } };
    expect(messageBody(content)).toMatchObject({ size: null, width: null, height: null, mimeType: "application/octet-stream" });
  });
});

describe("names that others choose", () => {
  it("cannot hide or turn text, nor name a folder", () => {
    expect(cleanFileName("rapport\u202efdp.exe")).toBe("rapportfdp.exe");
    expect(cleanFileName("../../etc/passwd")).toBe("passwd");
    expect(cleanFileName("C:\\secret\\plan.txt")).toBe("plan.txt");
    expect(cleanFileName("\u0000\u200b")).toBe("file");
    expect(cleanFileName("a".repeat(1000))).toHaveLength(255);
  });

  it("are never empty, and never an identifier", () => {
    expect(cleanName("  ", "@claire.martin:a.example")).toBe("claire.martin");
    expect(cleanName("Claire\u202e Martin", "@c:a")).toBe("Claire Martin");
    expect(localPart("@samir:a.example:8448")).toBe("samir");
  });

  it("only lead to media of the server", () => {
    expect(mxcOrNull("mxc://a.example/AbC-1_2")).toBe("mxc://a.example/AbC-1_2");
    for (const bad of ["https://a.example/x", "mxc://a.example/../x", "mxc://a.example/x?y", "mxc://a/b/c", "", null, 4]) {
      expect(mxcOrNull(bad)).toBeNull();
    }
  });
});

describe("a received file's type", () => {
  it("never lets anything run in the page", () => {
    for (const type of ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "", "image/png/x"]) {
      expect(harmlessType(type)).toBe("application/octet-stream");
    }
    expect(harmlessType("IMAGE/PNG; charset=x")).toBe("image/png");
    expect(isPicture("image/svg+xml")).toBe(false);
    expect(isPicture("image/webp")).toBe(true);
  });
});
