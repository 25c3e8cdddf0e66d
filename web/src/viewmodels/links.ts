import { find } from "linkifyjs";

/** A stretch of a message: plain text, or a link to be opened. */
export type TextPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string };

const ALLOWED = new Set(["http:", "https:", "mailto:"]);

/** The address to open, or null for anything but a web page or a mail address. */
function safeHref(href: string): string | null {
  try {
    return ALLOWED.has(new URL(href).protocol) ? href : null;
  } catch {
    return null;
  }
}

/**
 * Splits a message's text at its links. The parts joined are always the text itself: a link never reads other than where
 * it leads.
 */
export function textParts(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const found of find(text, { defaultProtocol: "https" })) {
    const href = found.isLink ? safeHref(found.href) : null;
    if (href === null) continue;
    if (found.start > end) parts.push({ kind: "text", text: text.slice(end, found.start) });
    parts.push({ kind: "link", text: text.slice(found.start, found.end), href });
    end = found.end;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}
