import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const here = dirname(fileURLToPath(import.meta.url));
const source = resolve(here, "..");

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Relative paths that a file imports when it is loaded (types and dynamic imports load nothing). */
function staticImports(file: string): string[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const statements = text.matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']/gm);
  return [...statements].map((match) => match[1] ?? "");
}

function reachable(entry: string): Set<string> {
  const seen = new Set<string>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    for (const specifier of staticImports(file)) {
      const target = specifier.startsWith(".") ? `${resolve(dirname(file), specifier)}.ts` : specifier;
      if (seen.has(target)) continue;
      seen.add(target);
      if (specifier.startsWith(".")) queue.push(target);
    }
  }
  return seen;
}

describe("the guard is the only way out", () => {
  it("is the only caller of the SDK's sending functions", () => {
    const sending =
      /\.(?:sendEvent|sendMessage|sendTextMessage|sendNotice|sendEmoteMessage|sendImageMessage|sendStickerMessage|sendHtml\w+|sendSharedHistoryKeys|resendEvent|redactEvent|uploadContent|encryptToDeviceMessages|queueToDevice|sendToDevice|encryptAndSendToDevice|_unstable_\w+)\(/;
    const callers = files(source)
      .filter((file) => sending.test(readFileSync(file, "utf8")))
      .map((file) => relative(source, file));
    expect(callers).toEqual([join("matrix", "guard", "guard.ts")]);
  });

  it("is the only one to reach into the SDK's private parts", () => {
    const reaching = files(source)
      .filter((file) => /\bolmMachine\?|as unknown as \{ olmMachine/.test(readFileSync(file, "utf8")))
      .map((file) => relative(source, file));
    expect(reaching).toEqual([join("matrix", "guard", "olm-machine.ts")]);
  });
});

describe("the sign-in page stays small", () => {
  it.each(["account.ts", "credentials.ts", "types.ts", "api.ts", "errors.ts"])("%s loads no SDK", (name) => {
    const loaded = [...reachable(join(here, name))];
    expect(loaded.filter((target) => /matrix-js-sdk|@matrix-org/.test(target))).toEqual([]);
  });

  it("nobody outside of src/matrix loads the SDK", () => {
    const loaders = files(source)
      .filter((file) => !file.startsWith(here))
      .filter((file) => /from "(?:matrix-js-sdk|@matrix-org)/.test(readFileSync(file, "utf8")))
      .map((file) => relative(source, file));
    expect(loaders).toEqual([]);
  });
});
