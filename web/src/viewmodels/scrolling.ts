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

/** True if neither a size nor the place differs. */
export function sameMeasure(a: ScrollMeasure, b: ScrollMeasure): boolean {
  return a.offset === b.offset && a.viewport === b.viewport && a.content === b.content;
}

/**
 * What the person is doing to the box: moving up by a wheel, a finger or a key (`up`), holding a mouse button down in it,
 * as for the scroll bar or to select text (`held`), or nothing that is known (`none`).
 */
export type Hand = "up" | "held" | "none";

/**
 * Whether the timeline goes on following its end. It does once it rests with the end in view, and until the person
 * scrolls up: a row that grows (a picture arrives), a box that shrinks (the composer grows), a new message or late
 * measuring must not end it.
 *
 * @param settling true while rows are still being measured. Estimated sizes may then put the end in view where it is not,
 *   and a move up that no hand made is the virtualiser's. Once all is still it is the browser's search or a screen reader's.
 */
export function followsEnd(followed: boolean, before: ScrollMeasure, now: ScrollMeasure, hand: Hand, settling: boolean): boolean {
  if (isAtEnd(now)) return followed || !settling;
  if (!followed || hand === "up") return false;
  const movedUp = now.offset < before.offset - 1;
  return !movedUp || (settling && hand === "none");
}

/**
 * True if the difference between two lists of rows lies at the start: older messages came, so what is in view must stay
 * where it is, measured from the end.
 */
export function changedAtStart(before: readonly TimelineRow[], after: readonly TimelineRow[]): boolean {
  if (before.length === 0 || before.length === after.length) return false;
  return before.at(-1)?.key === after.at(-1)?.key && before[0]?.key !== after[0]?.key;
}
