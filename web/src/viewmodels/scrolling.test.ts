import { describe, expect, it } from "vitest";
import { changedAtStart, followsEnd } from "./scrolling";
import { claire, item } from "./testing";
import { timelineRows } from "./timelineRows";

const end = { offset: 1400, viewport: 600, content: 2000 };

describe("following the end", () => {
  it("goes on when a message or a picture makes the timeline longer", () => {
    expect(followsEnd(true, end, { ...end, content: 2300 }, "none", false)).toBe(true);
  });

  it("goes on when the composer takes room from the timeline", () => {
    expect(followsEnd(true, end, { ...end, viewport: 500 }, "none", false)).toBe(true);
  });

  it("goes on when late measuring moves the box up, even after its sizes are known", () => {
    expect(followsEnd(true, end, { ...end, offset: 1300 }, "none", true)).toBe(true);
  });

  it("stops when the browser's search or a screen reader moves up, so that nothing moves under their eyes", () => {
    expect(followsEnd(true, end, { ...end, offset: 1300 }, "none", false)).toBe(false);
  });

  it("stops when the wheel moves up into rows that are measured only now", () => {
    expect(followsEnd(true, end, { offset: 1350, viewport: 600, content: 2080 }, "up", true)).toBe(false);
  });

  it("stops when the scroll bar is dragged up, also while rows are measured", () => {
    expect(followsEnd(true, end, { ...end, offset: 1300 }, "held", true)).toBe(false);
  });

  it("goes on when a message comes while text is being selected", () => {
    expect(followsEnd(true, end, { ...end, content: 2300 }, "held", true)).toBe(true);
  });

  it("does not begin by itself when messages come while the person reads above", () => {
    const above = { offset: 300, viewport: 600, content: 2000 };
    expect(followsEnd(false, above, { ...above, content: 2300 }, "none", true)).toBe(false);
    expect(followsEnd(false, above, { ...above, offset: 900 }, "none", false)).toBe(false);
  });

  it("does not begin while an estimate puts the end in view: the conversation opens at what is new", () => {
    expect(followsEnd(false, { ...end, offset: 900 }, end, "none", true)).toBe(false);
  });

  it("begins again at the end", () => {
    expect(followsEnd(false, { ...end, offset: 900 }, { ...end, offset: 1390 }, "none", false)).toBe(true);
  });
});

describe("keeping the place", () => {
  const day = { newAfter: null, atStart: false, direct: false };
  const rows = (...keys: string[]) =>
    timelineRows(
      keys.map((key, index) => item(key, claire, { ts: index })),
      day,
    );
  const older = timelineRows(
    [item("x", claire, { ts: -86_400_000 * 3 }), item("a", claire, { ts: 0 }), item("b", claire, { ts: 1 })],
    day,
  );

  it("is from the end when older messages came", () => {
    expect(changedAtStart(rows("a", "b"), older)).toBe(true);
  });

  it("is from the start when a new message came, and at the first drawing", () => {
    expect(changedAtStart(rows("a", "b"), rows("a", "b", "c"))).toBe(false);
    expect(changedAtStart([], rows("a", "b"))).toBe(false);
  });
});
