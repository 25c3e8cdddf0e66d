import { describe, expect, it } from "vitest";
import { MEGOLM } from "./decisions";
import { EncryptionLatch, memoryLatchStore } from "./latch";

const DEFAULT = { algorithm: MEGOLM, rotationMs: 604_800_000, rotationMessages: 100 };

describe("the memory of encrypted rooms", () => {
  it("outlives the session, whatever the server shows later", async () => {
    const store = memoryLatchStore();
    const first = await EncryptionLatch.open(store);
    first.remember("!a", DEFAULT);
    first.remember("!b", { ...DEFAULT, rotationMessages: 20 });
    first.close();
    await Promise.resolve();
    const second = await EncryptionLatch.open(store);
    expect(second.get("!a")).toEqual(DEFAULT);
    expect(second.get("!b")).toEqual({ ...DEFAULT, rotationMessages: 20 });
    expect(second.get("!c")).toBeNull();
  });

  it("keeps the strictest settings ever seen", async () => {
    const latch = await EncryptionLatch.open(memoryLatchStore());
    latch.remember("!a", { ...DEFAULT, rotationMs: 1000 });
    latch.remember("!a", { ...DEFAULT, rotationMessages: 5 });
    latch.remember("!a", DEFAULT);
    expect(latch.get("!a")).toEqual({ algorithm: MEGOLM, rotationMs: 1000, rotationMessages: 5 });
  });

  it("writes the rooms of one sync together, and survives a store that fails", async () => {
    const writes: number[] = [];
    const latch = await EncryptionLatch.open({
      load: async () => new Map(),
      save: async (latches) => {
        writes.push(latches.size);
        throw new Error("disk full");
      },
      close: () => undefined,
    });
    for (let room = 0; room < 5000; room += 1) latch.remember(`!room${room}`, DEFAULT);
    await Promise.resolve();
    await Promise.resolve();
    expect(writes).toEqual([5000]);
    expect(latch.get("!room4999")).toEqual(DEFAULT);
  });
});
