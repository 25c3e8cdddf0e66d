import { describe, expect, it } from "vitest";
import { middleSquare, scaledToFit } from "./picture";

describe("sizes of pictures", () => {
  it("fit into their box without being stretched or enlarged", () => {
    expect(scaledToFit(4000, 3000, 800, 800)).toEqual({ width: 800, height: 600 });
    expect(scaledToFit(100, 50, 800, 800)).toEqual({ width: 100, height: 50 });
    expect(scaledToFit(10_000, 1, 800, 800)).toEqual({ width: 800, height: 1 });
  });

  it("a face is cut from the middle, and never enlarged", () => {
    expect(middleSquare(4000, 3000, 512)).toEqual({ x: 500, y: 0, side: 3000, edge: 512 });
    expect(middleSquare(301, 400, 512)).toEqual({ x: 0, y: 49, side: 301, edge: 301 });
  });
});
