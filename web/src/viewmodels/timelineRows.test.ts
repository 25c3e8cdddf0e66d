import { describe, expect, it } from "vitest";
import type { ItemBody, Person } from "../matrix/types";
import { awa, claire, item, lea, samir } from "./testing";
import { GROUP_GAP_MS, readersOfMine, type TimelineRow, timelineRows } from "./timelineRows";

const none = { newAfter: null, atStart: false, direct: false };
const noon = new Date(2026, 10, 18, 12).getTime();

/** Rows as a person would describe them. */
function describeRows(rows: readonly TimelineRow[]): string[] {
  return rows.map((row) => {
    switch (row.kind) {
      case "message":
        return `${row.first ? "┌" : "│"}${row.last ? "└" : "│"} ${row.key}`;
      case "notice":
        return `notice ${row.items.map((one) => one.key).join("+")}`;
      case "new":
        return `new ${row.count}`;
      default:
        return row.kind;
    }
  });
}

const joined = (who: Person): ItemBody => ({ kind: "membership", change: "joined", target: who, reason: null });

describe("groups", () => {
  it("hold the messages that one person wrote in one go", () => {
    const rows = timelineRows(
      [
        item("a", claire, { ts: noon }),
        item("b", claire, { ts: noon + 60_000 }),
        item("c", samir, { ts: noon + 61_000 }),
        item("d", claire, { ts: noon + 62_000 }),
      ],
      none,
    );
    expect(describeRows(rows)).toEqual(["day", "┌│ a", "│└ b", "┌└ c", "┌└ d"]);
  });

  it("end when the person comes back later, so that a time is not hidden in a block", () => {
    const rows = timelineRows([item("a", claire, { ts: noon }), item("b", claire, { ts: noon + GROUP_GAP_MS })], none);
    expect(describeRows(rows)).toEqual(["day", "┌└ a", "┌└ b"]);
  });

  it("never reach across a day, a notice or the line of new messages", () => {
    const midnight = new Date(2026, 10, 19).getTime();
    const rows = timelineRows(
      [
        item("a", claire, { ts: midnight - 1_000 }),
        item("b", claire, { ts: midnight + 1_000 }),
        item("c", samir, { ts: midnight + 2_000, body: joined(samir) }),
        item("d", claire, { ts: midnight + 3_000 }),
        item("e", claire, { ts: midnight + 4_000 }),
      ],
      { newAfter: "$d", atStart: false, direct: false },
    );
    expect(describeRows(rows)).toEqual(["day", "┌└ a", "day", "┌└ b", "notice c", "┌└ d", "new 1", "┌└ e"]);
  });
});

describe("day pills", () => {
  it("stand above each day once, even when a sender's clock is wrong", () => {
    const day = 86_400_000;
    const rows = timelineRows(
      [item("a", claire, { ts: noon }), item("b", samir, { ts: noon - day }), item("c", claire, { ts: noon + 1 })],
      none,
    );
    expect(rows.filter((row) => row.kind === "day")).toHaveLength(1);
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });
});

describe("the line of new messages", () => {
  it("stands above the first message of somebody else, and counts theirs alone", () => {
    const rows = timelineRows(
      [
        item("a", claire, { ts: noon }),
        item("b", lea, { ts: noon + 1, mine: true }),
        item("c", samir, { ts: noon + 2, body: joined(samir) }),
        item("d", samir, { ts: noon + 3 }),
        item("e", lea, { ts: noon + 4, mine: true }),
        item("f", awa, { ts: noon + 5 }),
      ],
      { newAfter: "$a", atStart: false, direct: false },
    );
    expect(describeRows(rows)).toEqual(["day", "┌└ a", "┌└ b", "notice c", "new 2", "┌└ d", "┌└ e", "┌└ f"]);
  });

  it("is not drawn when nothing new came, or when its place is not loaded", () => {
    const items = [item("a", claire, { ts: noon }), item("b", lea, { ts: noon + 1, mine: true })];
    expect(describeRows(timelineRows(items, { newAfter: "$a", atStart: false, direct: false }))).not.toContain("new 0");
    expect(timelineRows(items, { newAfter: "$elsewhere", atStart: false, direct: false }).some((row) => row.kind === "new")).toBe(
      false,
    );
  });
});

describe("notices", () => {
  it("tell the same thing of many people in one sentence", () => {
    const rows = timelineRows(
      [
        item("a", claire, { ts: noon, body: { kind: "created" } }),
        item("b", claire, { ts: noon + 1, body: joined(claire) }),
        item("c", samir, { ts: noon + 2, body: joined(samir) }),
        item("d", awa, { ts: noon + 3, body: joined(awa) }),
        item("e", awa, { ts: noon + 4, body: { kind: "membership", change: "left", target: awa, reason: null } }),
      ],
      { newAfter: null, atStart: true, direct: false },
    );
    // That the founder joined goes without saying.
    expect(describeRows(rows)).toEqual(["start", "day", "notice a", "notice c+d", "notice e"]);
  });

  it("do not tell two people how their conversation came about, but do tell when one has left", () => {
    const rows = timelineRows(
      [
        item("a", claire, { ts: noon, body: { kind: "created" } }),
        item("b", claire, { ts: noon + 1, body: joined(claire) }),
        item("c", claire, { ts: noon + 2, body: { kind: "membership", change: "invited", target: samir, reason: null } }),
        item("d", samir, { ts: noon + 3, body: joined(samir) }),
        item("e", samir, { ts: noon + 4, body: { kind: "membership", change: "left", target: samir, reason: null } }),
      ],
      { newAfter: null, atStart: true, direct: true },
    );
    expect(describeRows(rows)).toEqual(["start", "day", "notice e"]);
  });

  it("do not mix up who invited whom", () => {
    const invited = (who: Person): ItemBody => ({ kind: "membership", change: "invited", target: who, reason: null });
    const rows = timelineRows(
      [item("a", claire, { ts: noon, body: invited(awa) }), item("b", samir, { ts: noon + 1, body: invited(lea) })],
      none,
    );
    expect(describeRows(rows)).toEqual(["day", "notice a", "notice b"]);
  });
});

describe("who has read", () => {
  it("is said once, on my last message that somebody has read", () => {
    const readers = readersOfMine([
      item("a", lea, { mine: true, readBy: [samir] }),
      item("b", lea, { mine: true, readBy: [claire] }),
      item("c", lea, { mine: true }),
    ]);
    expect(readers).toEqual({ key: "b", people: [claire] });
  });

  it("counts who read or wrote something later as having read", () => {
    const readers = readersOfMine([item("a", lea, { mine: true }), item("b", samir, { readBy: [claire] })]);
    expect(readers?.key).toBe("a");
    expect(readers?.people.map((person) => person.displayName).sort()).toEqual(["Claire Martin", "Samir Benali"]);
  });

  it("is never claimed of a message that has not left", () => {
    expect(readersOfMine([item("a", lea, { mine: true, send: { status: "sending" } }), item("b", samir)])).toBeNull();
  });
});

describe("rows that did not change", () => {
  it("keep their reference, so that a new message does not redraw the others", () => {
    const items = [item("a", claire, { ts: noon }), item("b", samir, { ts: noon + 1 })];
    const before = timelineRows(items, none);
    const after = timelineRows([...items, item("c", awa, { ts: noon + 2 })], none, before);
    expect(after.slice(0, 3).every((row, index) => row === before[index])).toBe(true);
  });

  it("are redrawn when their place in the group changes", () => {
    const items = [item("a", claire, { ts: noon })];
    const before = timelineRows(items, none);
    const after = timelineRows([...items, item("b", claire, { ts: noon + 1 })], none, before);
    expect(after[1]).not.toBe(before[1]);
  });
});
