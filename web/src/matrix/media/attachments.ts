/**
 * Encryption of files as in the specification's `EncryptedFile`, version v2:
 * AES-CTR with 256 bits, a fresh key and IV for each file, SHA-256 of the
 * ciphertext checked before anything is decrypted.
 */
import { Failure } from "../errors";
import type { EncryptedFile, Mxc } from "../types";

/** An encrypted file, before it has an address. */
export interface EncryptedBytes {
  readonly ciphertext: ArrayBuffer;
  /** Everything of {@link EncryptedFile} but the address. */
  readonly file: Omit<EncryptedFile, "url">;
}

/** Bits of the IV that count blocks, from zero: the other half is random. */
const COUNTER_BITS = 64;

/** Encrypts bytes with a key of their own. */
export async function encryptAttachment(bytes: ArrayBuffer): Promise<EncryptedBytes> {
  const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
  // The low half starts at zero, so that it cannot overflow into the random half.
  const iv = new Uint8Array(16);
  crypto.getRandomValues(iv.subarray(0, 8));
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: COUNTER_BITS }, key, bytes);
  const [raw, hash] = await Promise.all([crypto.subtle.exportKey("raw", key), crypto.subtle.digest("SHA-256", ciphertext)]);
  return {
    ciphertext,
    file: {
      key: {
        kty: "oct",
        alg: "A256CTR",
        ext: true,
        k: toBase64(new Uint8Array(raw)).replaceAll("+", "-").replaceAll("/", "_"),
        key_ops: ["encrypt", "decrypt"],
      },
      iv: toBase64(iv),
      hashes: { sha256: toBase64(new Uint8Array(hash)) },
      v: "v2",
    },
  };
}

/** The file with its address. */
export function addressed(file: Omit<EncryptedFile, "url">, url: Mxc): EncryptedFile {
  return { url, ...file };
}

/** Checks and decrypts a file. Throws `media-corrupt` if it is not what its sender encrypted. */
export async function decryptAttachment(ciphertext: ArrayBuffer, file: EncryptedFile): Promise<ArrayBuffer> {
  const iv = fromBase64(file.iv);
  const raw = fromBase64(file.key.k);
  const expected = fromBase64(file.hashes.sha256);
  if (iv?.length !== 16 || raw?.length !== 32 || expected?.length !== 32) throw new Failure("media-corrupt");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", ciphertext));
  if (hash.some((byte, index) => byte !== expected[index])) throw new Failure("media-corrupt");
  const key = await crypto.subtle.importKey("raw", raw, { name: "AES-CTR" }, false, ["decrypt"]);
  return crypto.subtle.decrypt({ name: "AES-CTR", counter: iv, length: COUNTER_BITS }, key, ciphertext);
}

/** Unpadded base64. */
function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/=+$/, "");
}

/** Base64 or base64url, padded or not; null if it is neither. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, ""));
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
