/** How many places are remembered: more than a person opens over each other. */
const longest = 16;

const places: HTMLElement[] = [];

globalThis.document?.addEventListener("focusin", ({ target }) => {
  // A menu's lines are gone once one was chosen: its button is the place to come back to.
  if (!(target instanceof HTMLElement) || target.closest('[role="menu"], [role="listbox"]')) return;
  const known = places.indexOf(target);
  if (known >= 0) places.splice(known, 1);
  places.push(target);
  if (places.length > longest) places.shift();
});

/** Where the focus was last, outside of `closing`, that is still on the page and can be seen. */
export function lastFocusOutside(closing: HTMLElement | null): HTMLElement | null {
  for (let index = places.length - 1; index >= 0; index -= 1) {
    const place = places[index];
    if (place?.isConnected && !closing?.contains(place) && (place.checkVisibility?.() ?? true)) return place;
  }
  return null;
}
