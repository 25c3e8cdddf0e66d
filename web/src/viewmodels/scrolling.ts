import type { TimelineRow } from "./timelineRows";

/** Closer to the end than this, in pixels, counts as being at the end. */
export const END_SLACK_PX = 32;

/** Nearer to the beginning than this, in pixels, the view asks for older messages. */
export const LOAD_OLDER_PX = 1200;

/** What a scrolled box measures, in pixels. */
export interface ScrollMeasure {
  readonly offset: number;
  readonly viewport: number;
  readonly content: number;
}

/** True if the end is in view. */
export function isAtEnd({ offset, viewport, content }: ScrollMeasure): boolean {
  return content - viewport - offset <= END_SLACK_PX;
}

/**
 * Whether the timeline goes on following its end. It does once the end was in view, and until the person scrolls up:
 * a row that grows (a picture arrives), a box that shrinks (the composer grows) or a new message must not end it.
 * `byPerson` says that the scrolling comes from a wheel, a finger or a key.
 */
export function followsEnd(followed: boolean, before: ScrollMeasure, now: ScrollMeasure, byPerson: boolean): boolean {
  if (isAtEnd(now)) return true;
  if (!followed || byPerson) return false;
  // Without a wheel or key only a scroll bar or the browser's own search moves up, and then nothing changes its size.
  const resized = before.content !== now.content || before.viewport !== now.viewport;
  const movedUp = now.offset < before.offset - 1;
  return resized || !movedUp;
}

/**
 * True if the difference between two lists of rows lies at the start: older messages came, so what is in view must stay
 * where it is, measured from the end.
 */
export function changedAtStart(before: readonly TimelineRow[], after: readonly TimelineRow[]): boolean {
  if (before.length === 0 || before.length === after.length) return false;
  return before.at(-1)?.key === after.at(-1)?.key && before[0]?.key !== after[0]?.key;
}
