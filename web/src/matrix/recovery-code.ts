/**
 * The recovery code: twelve words of a BIP-39 list, used as the passphrase of
 * Matrix secret storage, so that other Matrix apps accept it too. Pure.
 */
import { generateMnemonic, validateMnemonic } from "@scure/bip39";
import { wordlist as english } from "@scure/bip39/wordlists/english.js";
import { wordlist as french } from "@scure/bip39/wordlists/french.js";
import { Failure } from "./errors";
import type { RecoveryLanguage } from "./types";

const WORDS = 12;
const LISTS: Readonly<Record<RecoveryLanguage, readonly string[]>> = { fr: french, en: english };

/** Twelve fresh words (128 bits of chance), separated by one space, in composed form (NFC). */
export function createRecoveryCode(language: RecoveryLanguage): string {
  return generateMnemonic([...LISTS[language]], 128).normalize("NFC");
}

/** A word without case and accents, for comparing. */
function bare(word: string): string {
  return word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** By bare word, and by its first four letters, the word of the list. */
function indexOf(list: readonly string[]): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const word of list) {
    // The lists are made so that four letters tell words apart.
    index.set(bare(word).slice(0, 4), word);
  }
  for (const word of list) index.set(bare(word), word);
  return index;
}

const INDEXES: readonly { readonly list: readonly string[]; readonly index: ReadonlyMap<string, string> }[] = [
  { list: french, index: indexOf(french) },
  { list: english, index: indexOf(english) },
];

/**
 * The codes that a person may have meant, in the form that was made: usually one, none never.
 * Forgives case, accents, punctuation, numbering, extra spaces and four-letter abbreviations.
 * Throws `recovery-code-malformed`, with the index of the first word that no list has.
 */
export function readRecoveryCode(typed: string): readonly string[] {
  const words = typed
    .normalize("NFKC")
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== "");
  let furthest = 0;
  const codes: string[] = [];
  for (const { list, index } of INDEXES) {
    const found = words.map((word) => index.get(bare(word)));
    const unknown = found.indexOf(undefined);
    if (unknown !== -1) {
      furthest = Math.max(furthest, unknown);
      continue;
    }
    furthest = Math.max(furthest, words.length);
    const code = found.join(" ");
    if (words.length === WORDS && validateMnemonic(code, [...list])) codes.push(code.normalize("NFC"));
  }
  if (codes.length > 0) return codes;
  throw new Failure("recovery-code-malformed", furthest < words.length ? { wordIndex: furthest } : {});
}
