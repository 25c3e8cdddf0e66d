/** A display name taken apart: "Awa Koné [Justice]" is Awa Koné of Justice. */
export interface NameParts {
  readonly name: string;
  /** What stands in brackets at the end; null without. */
  readonly organisation: string | null;
}

const WITH_ORGANISATION = /^(.*\S)\s*\[([^[\]]+)\]\s*$/u;

/** Takes a display name apart. */
export function splitName(displayName: string): NameParts {
  const found = WITH_ORGANISATION.exec(displayName);
  const [, name, organisation] = found ?? [];
  return name && organisation
    ? { name: name.trim(), organisation: organisation.trim() }
    : { name: displayName, organisation: null };
}

/** A person's name without their organisation, for sentences and bubbles. */
export function shortName(displayName: string): string {
  return splitName(displayName).name;
}

/** How a person is addressed: "Awa Koné [Justice]" is "Awa". */
export function firstName(displayName: string): string {
  return shortName(displayName).trim().split(/\s+/)[0] ?? displayName;
}

/** A conversation's name as it is shown: that of the other person without their organisation, or the group's. */
export function roomTitle(room: { readonly name: string; readonly partner: unknown }): string {
  return room.partner ? shortName(room.name) : room.name;
}
