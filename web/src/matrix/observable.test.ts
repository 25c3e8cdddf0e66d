import { describe, expect, it } from "vitest";
import { Value } from "./observable";

describe("an observable value", () => {
  it("keeps its reference and stays quiet while nothing changes", () => {
    const value = new Value({ a: 1 });
    let told = 0;
    value.subscribe(() => {
      told += 1;
    });
    const first = value.getSnapshot();
    value.set(first);
    expect(told).toBe(0);
    expect(value.getSnapshot()).toBe(first);
    value.set({ a: 1 });
    expect(told).toBe(1);
  });

  it("tells each subscription until it ends, even the same function twice", () => {
    const value = new Value(0);
    let told = 0;
    const listener = () => {
      told += 1;
    };
    const stop = value.subscribe(listener);
    value.subscribe(listener);
    value.set(1);
    expect(told).toBe(2);
    stop();
    stop();
    value.set(2);
    expect(told).toBe(3);
    expect(value.listenerCount).toBe(1);
  });

  it("works without its object, as React calls it", () => {
    const { getSnapshot, subscribe } = new Value("x");
    expect(getSnapshot()).toBe("x");
    expect(subscribe(() => undefined)()).toBe(true);
  });
});
