/** The fewest characters of a password. */
export const shortestPassword = 12;

/** Why a password is refused before it is sent; null if it is accepted. */
export type PasswordProblem = "short" | "repetitive" | "common" | "personal" | null;

const runs = [
  "abcdefghijklmnopqrstuvwxyz",
  "0123456789012345678901234567890",
  "azertyuiopqsdfghjklmwxcvbn",
  "qwertyuiopasdfghjklzxcvbnm",
];
const common = [
  "motdepasse",
  "password",
  "passw0rd",
  "azerty",
  "qwerty",
  "bonjour",
  "bienvenue",
  "welcome",
  "ministere",
  "administrateur",
  "iloveyou",
  "jetaime",
  "letmein",
  "soleil",
];

/** Lower case without accents, spaces and punctuation: how a guesser looks at it. */
function plain(text: string): string {
  return text
    .normalize("NFD")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

/** What is left of `text` once everything that a guesser tries first is taken out. */
function withoutGuessable(text: string, parts: readonly string[]): string {
  return [...parts].sort((one, other) => other.length - one.length).reduce((rest, part) => rest.split(part).join(""), text);
}

/** Every stretch of four or more characters of `text` that runs along the alphabet, the digits or a keyboard, either way. */
function runsIn(text: string): string[] {
  const found: string[] = [];
  const lines = runs.flatMap((run) => [run, [...run].reverse().join("")]);
  let start = 0;
  while (start < text.length) {
    let length = 0;
    for (let size = 4; start + size <= text.length; size += 1) {
      if (lines.some((line) => line.includes(text.slice(start, start + size)))) length = size;
      else break;
    }
    if (length > 0) found.push(text.slice(start, start + length));
    start += Math.max(1, length);
  }
  return found;
}

/**
 * The rule, said as it is: twelve characters, and not something a guesser tries first. No demand for symbols or digits:
 * they make passwords harder to remember, not to guess. The server checks again.
 * @param email whose password it is: its parts are the first thing that is tried.
 */
export function passwordProblem(password: string, email: string): PasswordProblem {
  if ([...password].length < shortestPassword) return "short";
  if (new Set(password.toLowerCase()).size < 5) return "repetitive";
  const text = plain(password);
  // A password outside the Latin alphabet: nothing here could judge it.
  if (text.length < 4) return null;
  const personal = email
    .split("@")
    .flatMap((part) => part.split(/[.\-_+]/))
    .map(plain)
    .filter((part) => part.length >= 4);
  if (personal.some((part) => text.includes(part)) && withoutGuessable(text, personal).length < 8) return "personal";
  if (
    withoutGuessable(text, [...common, ...runsIn(text)]).length < 6 &&
    (common.some((word) => text.includes(word)) || runsIn(text).length > 0)
  ) {
    return "common";
  }
  return null;
}
