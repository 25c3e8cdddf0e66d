/** How many words a recovery code has. */
export const recoveryCodeLength = 12;

/** The words of a recovery code as it was typed or pasted: numbers, commas and line ends between them do not matter. */
export function wordsOf(text: string): string[] {
  return text
    .normalize("NFC")
    .split(/[\s,;.:)\d\u00a0\u202f-]+/u)
    .filter(Boolean);
}

/** A word without what people get wrong: capitals, accents, spaces around it. */
function plain(word: string): string {
  return word.trim().normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Whether `typed` is `word`, give or take capitals and accents; four letters are enough, since no two words of the lists share them. */
export function isSameWord(typed: string, word: string): boolean {
  const given = plain(typed);
  const expected = plain(word);
  return given === expected || (given.length >= 4 && given === expected.slice(0, 4));
}

/** Two different places among twelve, in order. `random` gives numbers from 0 up to, not including, 1. */
export function twoPositions(random: () => number): readonly [number, number] {
  const first = Math.floor(random() * recoveryCodeLength);
  const other = Math.floor(random() * (recoveryCodeLength - 1));
  const second = other >= first ? other + 1 : other;
  return first < second ? [first, second] : [second, first];
}
