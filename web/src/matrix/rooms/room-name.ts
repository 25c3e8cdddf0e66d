/** Names of rooms that nobody named, in the person's language. */
import { type RoomNameState, RoomNameType } from "matrix-js-sdk";
import type { RecoveryLanguage } from "../types";

/** At most this many people are named; the rest are counted. */
const NAMED = 3;

const WORDS = {
  fr: { empty: "Conversation vide", and: "et", others: (count: number) => (count === 1 ? "1 autre" : `${count} autres`) },
  en: { empty: "Empty conversation", and: "and", others: (count: number) => (count === 1 ? "1 other" : `${count} others`) },
} as const;

/** Gives the SDK the name of a room; never contains an identifier. */
export function roomNameGenerator(language: RecoveryLanguage): (roomId: string, state: RoomNameState) => string | null {
  const words = WORDS[language];
  return (_roomId, state) => {
    switch (state.type) {
      case RoomNameType.Actual:
        // A room's address is an identifier, not a name.
        return state.name.startsWith("#") ? state.name.slice(1).split(":")[0] || words.empty : state.name;
      case RoomNameType.EmptyRoom:
        return state.oldName ? bare(state.oldName) : words.empty;
      case RoomNameType.Generated:
        return listNames(state.names.map(bare), state.count - 1, words);
    }
  };
}

/** The SDK adds the user id to equal names; two people of one name are told apart by their pictures. */
function bare(name: string): string {
  return name.replace(/\s*\(@[^)]*\)\s*$/, "").replace(/^@([^:]+):.*$/, "$1");
}

function listNames(names: readonly string[], others: number, words: (typeof WORDS)[RecoveryLanguage]): string {
  const shown = names.slice(0, NAMED);
  const rest = Math.max(0, others - shown.length);
  if (shown.length === 0) return words.empty;
  const parts = rest > 0 ? [...shown, words.others(rest)] : shown;
  if (parts.length === 1) return parts[0] ?? words.empty;
  return `${parts.slice(0, -1).join(", ")} ${words.and} ${parts.at(-1)}`;
}
