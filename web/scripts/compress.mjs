// Writes a brotli and a gzip variant beside each built file that gets smaller by it; the server
// serves them as they are.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const compressible = new Set([".css", ".html", ".js", ".json", ".svg", ".ttf", ".wasm", ".webmanifest"]);
const dist = new URL("../dist", import.meta.url).pathname;

const entries = await readdir(dist, { recursive: true, withFileTypes: true });
const files = entries
  .filter((entry) => entry.isFile() && compressible.has(extname(entry.name)))
  .map((entry) => join(entry.parentPath, entry.name));

await Promise.all(
  files.map(async (file) => {
    const plain = await readFile(file);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: 10,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    };
    const variants = [
      [".br", await promisify(brotliCompress)(plain, { params })],
      [".gz", await promisify(gzip)(plain, { level: 9 })],
    ];
    for (const [extension, small] of variants) {
      if (small.length < plain.length) await writeFile(file + extension, small);
    }
  }),
);
