import { beforeEach, describe, expect, it } from "vitest";
import type { Timeline } from "../matrix/api";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { RoomDetails, TimelineItem, TimelineState } from "../matrix/types";
import { TimelineViewModel } from "./TimelineViewModel";
import { claire, item, lea, samir, settled, TestWorld } from "./testing";

/** A conversation as the layer below would tell it. */
class Conversation implements Timeline {
  readonly state: Value<TimelineState>;
  reads = 0;
  loads = 0;
  refuse: Failure | null = null;

  constructor(items: readonly TimelineItem[], fullyRead: string | null) {
    this.state = new Value<TimelineState>({ roomId: "!room", items, backwards: { status: "idle" }, fullyRead });
  }

  add(...items: TimelineItem[]): void {
    const state = this.state.getSnapshot();
    this.state.set({ ...state, items: [...state.items, ...items] });
  }

  async loadOlder(): Promise<void> {
    this.loads += 1;
  }
  async markRead(): Promise<void> {
    this.reads += 1;
  }
  async redact(): Promise<void> {
    if (this.refuse) throw this.refuse;
  }
  async sendText(): Promise<void> {}
  async sendFiles(): Promise<void> {}
  async retry(): Promise<void> {}
  async discard(): Promise<void> {}
  setTyping(): void {}
}

let world: TestWorld;
const nobodyKnown = new Value<RoomDetails | null>(null);

/** A conversation on the screen, its end in view. */
function atEnd(conversation: Conversation): TimelineViewModel {
  const model = new TimelineViewModel(conversation, nobodyKnown, world);
  model.setAtEnd(true);
  return model;
}

const newLine = (model: TimelineViewModel) => {
  const { rows } = model.getSnapshot();
  const index = rows.findIndex((row) => row.kind === "new");
  const next = rows[index + 1];
  return index < 0 ? null : next?.kind === "message" ? next.key : "?";
};

beforeEach(() => {
  world = new TestWorld();
});

describe("the line of new messages", () => {
  it("stays where it was at the opening while the person reads on", () => {
    const conversation = new Conversation([item("a", claire), item("b", claire)], "$a");
    const model = atEnd(conversation);
    conversation.state.set({ ...conversation.state.getSnapshot(), fullyRead: "$b" });
    conversation.add(item("c", claire));
    expect(newLine(model)).toBe("b");
  });

  it("appears above what came while the window was left", () => {
    const conversation = new Conversation([item("a", claire)], "$a");
    const model = atEnd(conversation);
    world.attention.set(false);
    conversation.add(item("b", claire));
    conversation.add(item("c", samir));
    expect(newLine(model)).toBe("b");
  });

  it("goes when the person answers", () => {
    const conversation = new Conversation([item("a", claire), item("b", claire)], "$a");
    const model = atEnd(conversation);
    conversation.add(item("mine", lea, { mine: true, eventId: null, send: { status: "sending" } }));
    expect(newLine(model)).toBeNull();
  });
});

describe("reading", () => {
  it("is not told of a conversation that opens above its end", () => {
    const conversation = new Conversation([item("a", claire), item("b", claire)], "$a");
    const model = new TimelineViewModel(conversation, nobodyKnown, world);
    expect(conversation.reads).toBe(0);
    model.setAtEnd(true);
    expect(conversation.reads).toBe(1);
  });

  it("is told only while the end is in view of a person who looks, so that no receipt lies", () => {
    world.attention.set(false);
    const conversation = new Conversation([item("a", claire)], null);
    const model = atEnd(conversation);
    expect(conversation.reads).toBe(0);
    model.setAtEnd(false);
    world.attention.set(true);
    expect(conversation.reads).toBe(0);
    model.setAtEnd(true);
    expect(conversation.reads).toBe(1);
  });

  it("counts what came while the person reads further up, until they come down", () => {
    const conversation = new Conversation([item("a", claire)], "$a");
    const model = atEnd(conversation);
    model.setAtEnd(false);
    conversation.add(item("b", claire), item("c", samir));
    expect(model.getSnapshot().missed).toBe(2);
    model.setAtEnd(true);
    expect(model.getSnapshot().missed).toBe(0);
  });
});

describe("what is read out", () => {
  it("is a message that arrives in view, never older ones that were loaded", () => {
    const conversation = new Conversation([item("b", claire)], "$b");
    const model = atEnd(conversation);
    const state = conversation.state.getSnapshot();
    conversation.state.set({ ...state, items: [item("a", claire), ...state.items] });
    expect(model.getSnapshot().arrived).toBeNull();
    conversation.add(item("c", samir));
    expect(model.getSnapshot().arrived?.key).toBe("c");
  });
});

describe("sending", () => {
  it("brings the person to the end, even from far up", () => {
    const conversation = new Conversation([item("a", claire)], "$a");
    const model = atEnd(conversation);
    model.setAtEnd(false);
    conversation.add(item("mine", lea, { mine: true, eventId: null, send: { status: "preparing" } }));
    expect(model.getSnapshot().toEnd).toBe(1);
  });
});

describe("loading", () => {
  it("asks for the first messages by itself, but not for ever", () => {
    const conversation = new Conversation([], null);
    const model = atEnd(conversation);
    expect(model.getSnapshot().loading).toBe(true);
    for (let turn = 0; turn < 20; turn += 1) {
      conversation.state.set({ ...conversation.state.getSnapshot(), backwards: { status: "loading" } });
      conversation.state.set({ ...conversation.state.getSnapshot(), backwards: { status: "idle" } });
    }
    expect(conversation.loads).toBeGreaterThan(1);
    expect(conversation.loads).toBeLessThan(10);
  });
});

describe("an action that fails", () => {
  it("is told until it is dismissed", async () => {
    const conversation = new Conversation([item("a", lea, { mine: true })], null);
    const model = atEnd(conversation);
    conversation.refuse = new Failure("forbidden");
    await model.redact("$a");
    expect(model.getSnapshot().failure?.kind).toBe("forbidden");
    model.dismissFailure();
    expect(model.getSnapshot().failure).toBeNull();
  });

  it("changes nothing after the conversation was left", async () => {
    const conversation = new Conversation([item("a", claire)], null);
    const model = atEnd(conversation);
    model.dispose();
    conversation.add(item("b", claire));
    await settled();
    expect(model.getSnapshot().rows).toHaveLength(2);
    expect(conversation.state.listenerCount).toBe(0);
  });
});
