import { useEffect, useRef } from "react";

/** A key with what must be held: `mod+k` (Ctrl, or ⌘ on a Mac), `alt+ArrowUp`, `?`, `Escape`. */
export type Shortcut = string;

const isEditable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function matches(event: KeyboardEvent, shortcut: Shortcut): boolean {
  const parts = shortcut.split("+");
  const key = parts[parts.length - 1] ?? "";
  const held = new Set(parts.slice(0, -1));
  if (event.key.toLowerCase() !== key.toLowerCase()) return false;
  if ((event.ctrlKey || event.metaKey) !== held.has("mod")) return false;
  return event.altKey === held.has("alt");
}

/**
 * Calls `action` when `shortcut` is pressed anywhere in the page, unless a dialog is open or the event was already handled.
 * A bare key (`?`) is left alone while somebody types.
 */
export function useShortcut(shortcut: Shortcut, action: () => void): void {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  useEffect(() => {
    const bare = !shortcut.includes("+");
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || !matches(event, shortcut)) return;
      if (bare && isEditable(event.target)) return;
      if (document.querySelector('[role="dialog"][data-open], [role="alertdialog"][data-open]')) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [shortcut]);
}
