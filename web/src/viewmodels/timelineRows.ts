import type { ItemBody, Person, TimelineItem } from "../matrix/types";
import { dayNumber } from "./time";

/** Messages of one person that are further apart than this, in milliseconds, are shown as two groups. */
export const GROUP_GAP_MS = 5 * 60_000;

/** One row of the timeline, as the view draws it. `key` is stable for a row's life. */
export type TimelineRow =
  /** The beginning of the conversation. */
  | { readonly kind: "start"; readonly key: "start" }
  /** The pill above a day's first message; `ts` is that message's time. */
  | { readonly kind: "day"; readonly key: string; readonly ts: number }
  /** The line above the first message that the person has not seen. */
  | { readonly kind: "new"; readonly key: "new"; readonly count: number }
  /** One or several like events told in one sentence: "Claire and Samir joined". */
  | { readonly kind: "notice"; readonly key: string; readonly items: readonly TimelineItem[] }
  | {
      readonly kind: "message";
      readonly key: string;
      readonly item: TimelineItem;
      /** First of its group: it carries the sender's name. */
      readonly first: boolean;
      /** Last of its group: it carries the sender's face. */
      readonly last: boolean;
      /** People who have read up to here, shown on my last read message alone. */
      readonly readers: readonly Person[];
    };

/** What the rows depend on besides the items. */
export interface RowOptions {
  /** The line of new messages stands after this event; null for none. */
  readonly newAfter: string | null;
  /** The first item is the first that there is. */
  readonly atStart: boolean;
  /** A conversation of two: that one invited the other and both came goes without saying. */
  readonly direct: boolean;
}

const NOTICES: ReadonlySet<ItemBody["kind"]> = new Set([
  "membership",
  "created",
  "encryption-on",
  "renamed",
  "topic",
  "avatar",
] satisfies ItemBody["kind"][]);

/** True for what is told as a sentence between the messages and not as a bubble. */
export function isNotice(item: TimelineItem): boolean {
  return NOTICES.has(item.body.kind);
}

/** True for a message that somebody else wrote: what counts as new. */
export function isOthersMessage(item: TimelineItem): boolean {
  return !item.mine && !isNotice(item) && item.body.kind !== "redacted";
}

/** How many messages of others come after the event `newAfter`, and the key of the first of them; null for none. */
export function unreadAfter(
  items: readonly TimelineItem[],
  newAfter: string | null,
): { readonly firstKey: string; readonly count: number } | null {
  if (newAfter === null) return null;
  let count = 0;
  let firstKey: string | null = null;
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (!item) continue;
    if (item.eventId === newAfter) return firstKey === null ? null : { firstKey, count };
    if (isOthersMessage(item)) {
      count += 1;
      firstKey = item.key;
    }
  }
  // The marker lies further back than what is loaded: no honest count is possible yet.
  return null;
}

/**
 * Who has read my messages, and on which of them to say so. A person who answered has read what came before.
 * Only the last of my messages that somebody has read carries faces.
 */
export function readersOfMine(
  items: readonly TimelineItem[],
): { readonly key: string; readonly people: readonly Person[] } | null {
  const people = new Map<string, Person>();
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (!item) continue;
    for (const reader of item.readBy) if (!people.has(reader.userId)) people.set(reader.userId, reader);
    if (item.mine && !isNotice(item) && item.send.status === "sent" && people.size > 0) {
      return { key: item.key, people: [...people.values()] };
    }
    if (isOthersMessage(item) && !people.has(item.sender.userId)) people.set(item.sender.userId, item.sender);
  }
  return null;
}

function sameGroup(earlier: TimelineItem, later: TimelineItem): boolean {
  return earlier.sender.userId === later.sender.userId && later.ts - earlier.ts < GROUP_GAP_MS;
}

function sameNotice(earlier: TimelineItem, later: TimelineItem): boolean {
  const [a, b] = [earlier.body, later.body];
  if (a.kind !== "membership" || b.kind !== "membership" || a.change !== b.change || a.reason || b.reason) return false;
  // "Claire invited Samir and Awa" is one sentence only if it is one who invited.
  const ownDeed = a.change === "joined" || a.change === "left" || a.change === "invite-declined";
  return ownDeed || earlier.sender.userId === later.sender.userId;
}

/** Joining what one has just created goes without saying; so does how a conversation of two came about. */
function goesWithoutSaying(item: TimelineItem, before: TimelineItem | undefined, direct: boolean): boolean {
  const { body } = item;
  if (direct && (body.kind === "created" || body.kind === "encryption-on")) return true;
  if (direct && body.kind === "membership" && (body.change === "invited" || body.change === "joined")) return true;
  return (
    before?.body.kind === "created" &&
    body.kind === "membership" &&
    body.change === "joined" &&
    body.target.userId === before.sender.userId
  );
}

/** A row under construction: the same shape as {@link TimelineRow}, still open to be lengthened. */
type Draft =
  | Exclude<TimelineRow, { kind: "notice" } | { kind: "message" }>
  | { kind: "notice"; key: string; items: TimelineItem[] }
  | { kind: "message"; key: string; item: TimelineItem; first: boolean; last: boolean; readers: readonly Person[] };

const NOBODY: readonly Person[] = [];

function sameRow(a: TimelineRow, b: Draft): boolean {
  switch (b.kind) {
    case "message":
      return (
        a.kind === "message" &&
        a.item === b.item &&
        a.first === b.first &&
        a.last === b.last &&
        a.readers.length === b.readers.length &&
        a.readers.every((reader, index) => reader === b.readers[index])
      );
    case "notice":
      return a.kind === "notice" && a.items.length === b.items.length && a.items.every((item, index) => item === b.items[index]);
    case "new":
      return a.kind === "new" && a.count === b.count;
    case "day":
      return a.kind === "day" && a.key === b.key;
    case "start":
      return a.kind === "start";
  }
}

/**
 * The rows of a timeline: day pills, the line of new messages, notices told together, messages grouped by sender.
 * A row that did not change keeps the reference that it has in `previous`, so that its view is not drawn again.
 */
export function timelineRows(
  items: readonly TimelineItem[],
  options: RowOptions,
  previous: readonly TimelineRow[] = [],
): readonly TimelineRow[] {
  const rows: Draft[] = [];
  const unread = unreadAfter(items, options.newAfter);
  const readers = readersOfMine(items);
  if (options.atStart) rows.push({ kind: "start", key: "start" });

  let day: number | null = null;
  let before: TimelineItem | undefined;
  for (const item of items) {
    if (goesWithoutSaying(item, before, options.direct)) continue;
    before = item;
    const itemDay = dayNumber(item.ts);
    // A sender's clock may lie: days only ever go forward, so no day gets two pills.
    if (day === null || itemDay > day) {
      day = itemDay;
      rows.push({ kind: "day", key: `day:${itemDay}`, ts: item.ts });
    }
    if (unread?.firstKey === item.key) rows.push({ kind: "new", key: "new", count: unread.count });

    const above = rows.at(-1);
    if (isNotice(item)) {
      const told = above?.kind === "notice" ? above.items[0] : undefined;
      if (above?.kind === "notice" && told && sameNotice(told, item)) above.items.push(item);
      else rows.push({ kind: "notice", key: item.key, items: [item] });
      continue;
    }
    const joins = above?.kind === "message" && sameGroup(above.item, item);
    if (joins) above.last = false;
    rows.push({
      kind: "message",
      key: item.key,
      item,
      first: !joins,
      last: true,
      readers: readers?.key === item.key ? readers.people : NOBODY,
    });
  }

  const known = new Map(previous.map((row) => [row.key, row]));
  return rows.map((row) => {
    const old = known.get(row.key);
    return old && sameRow(old, row) ? old : row;
  });
}
