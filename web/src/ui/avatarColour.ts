/** Grounds that white initials stand on with at least 4.5:1. */
export const avatarColours = [
  "#4a5a6a",
  "#6b6b2f",
  "#2d5d7b",
  "#2f6f57",
  "#9a4a3a",
  "#7a3e63",
  "#5b5ea6",
  "#3d6f8e",
  "#8a5a2b",
  "#5a4b8a",
] as const;

/** The colour of a person or group: the same everywhere for the same `id` (FNV-1a over its characters). */
export function avatarColour(id: string): (typeof avatarColours)[number] {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) {
    hash ^= id.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return avatarColours[hash % avatarColours.length] ?? avatarColours[0];
}

/** One or two capital initials of a display name; what stands in brackets (an organisation) is left out. */
export function initials(name: string): string {
  const words = name
    .replace(/[[(].*?[\])]/g, " ")
    .split(/[\s'’_.-]+/u)
    .filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}
