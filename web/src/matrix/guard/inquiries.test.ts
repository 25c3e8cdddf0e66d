import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SenderInquiries } from "./inquiries";

const CLAIRE = "@claire:server.test";

let answers: { readonly resolve: () => void; readonly reject: (error: Error) => void }[];
let changes: number;
let isUnproven: boolean;
let inquiries: SenderInquiries;

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  changes = 0;
  isUnproven = true;
  inquiries = new SenderInquiries({
    query: () => new Promise((resolve, reject) => answers.push({ resolve, reject })),
    isUnproven: () => isUnproven,
    onChange: () => {
      changes += 1;
    },
    random: () => 0.5,
  });
});

afterEach(() => {
  inquiries.close();
  vi.useRealTimers();
});

/** Answers the latest question. */
async function answer(isReached = true): Promise<void> {
  if (isReached) answers.at(-1)?.resolve();
  else answers.at(-1)?.reject(new Error("out of reach"));
  await vi.advanceTimersByTimeAsync(0);
}

describe("asking for the devices of a sender", () => {
  it("asks once for all messages of one sender, and has them wait for the answer", async () => {
    expect(inquiries.waits(CLAIRE, 0)).toBe(true);
    expect(inquiries.waits(CLAIRE, 0)).toBe(true);
    expect(answers).toHaveLength(1);
    await answer();
    expect(changes).toBe(1);
    expect(inquiries.waits(CLAIRE, 0)).toBe(false);
    expect(answers).toHaveLength(1);
  });

  it("loses patience after five seconds, once and for all", async () => {
    inquiries.waits(CLAIRE, 0);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(changes).toBe(1);
    expect(inquiries.waits(CLAIRE, performance.now())).toBe(false);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(changes).toBe(1);
    expect(answers).toHaveLength(1);
  });

  it("asks again three times while nothing is proven, then no more for these messages", async () => {
    inquiries.waits(CLAIRE, 0);
    await answer();
    for (const delay of [2_000, 10_000, 60_000]) {
      await vi.advanceTimersByTimeAsync(delay);
      await answer();
    }
    expect(answers).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(inquiries.waits(CLAIRE, 0)).toBe(false);
    expect(answers).toHaveLength(4);
  });

  it("asks anew for a later message, but not for each one of a device that nobody signed", async () => {
    inquiries.waits(CLAIRE, 0);
    await answer();
    for (let message = 0; message < 50; message += 1) {
      await vi.advanceTimersByTimeAsync(10);
      expect(inquiries.waits(CLAIRE, performance.now())).toBe(false);
    }
    expect(answers).toHaveLength(1);
    isUnproven = false;
    await vi.advanceTimersByTimeAsync(61_000);
    expect(inquiries.waits(CLAIRE, performance.now())).toBe(true);
    expect(answers).toHaveLength(2);
  });

  it("goes on asking a server that is out of reach", async () => {
    inquiries.waits(CLAIRE, 0);
    for (let attempt = 1; attempt < 8; attempt += 1) {
      await answer(false);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(answers).toHaveLength(attempt + 1);
    }
  });

  it("asks nothing more once it is closed", async () => {
    inquiries.waits(CLAIRE, 0);
    await answer();
    inquiries.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(inquiries.waits(CLAIRE, 0)).toBe(false);
    expect(answers).toHaveLength(1);
  });
});
