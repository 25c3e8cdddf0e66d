import { beforeEach, describe, expect, it } from "vitest";
import type { MediaActions, OutgoingFile, Timeline } from "../matrix/api";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { RoomDetails, SendGate, TimelineState } from "../matrix/types";
import { ComposerViewModel, LONGEST_TEXT_BYTES, MOST_ATTACHMENTS } from "./ComposerViewModel";
import { Drafts } from "./Drafts";
import { settled, TestWorld } from "./testing";

/** What left, as the layer below would have received it. */
class Outbox implements Timeline {
  readonly state = new Value<TimelineState>({ roomId: "!a", items: [], backwards: { status: "end" }, fullyRead: null });
  readonly texts: string[] = [];
  readonly files: OutgoingFile[] = [];
  readonly typing: boolean[] = [];
  refuse: Failure | null = null;

  async sendText(text: string): Promise<void> {
    await Promise.resolve();
    if (this.refuse) throw this.refuse;
    this.texts.push(text);
  }
  async sendFiles(files: readonly OutgoingFile[]): Promise<void> {
    await Promise.resolve();
    if (this.refuse) throw this.refuse;
    this.files.push(...files);
  }
  setTyping(typing: boolean): void {
    this.typing.push(typing);
  }
  async loadOlder(): Promise<void> {}
  async markRead(): Promise<void> {}
  async redact(): Promise<void> {}
  async retry(): Promise<void> {}
  async discard(): Promise<void> {}
}

const details = (gate: SendGate): RoomDetails => ({
  roomId: "!a",
  name: "Cellule de crise",
  topic: null,
  avatar: null,
  partner: null,
  encrypted: true,
  memberCount: 3,
  members: [],
  membersLoaded: true,
  gate,
  can: { send: true, invite: true, rename: true, remove: true },
  typing: [],
});

const picture = (name = "photo.png", size = 10) => new File([new Uint8Array(size)], name, { type: "image/png" });

let world: TestWorld;
let drafts: Drafts;
let outbox: Outbox;
let room: Value<RoomDetails | null>;
let limit: number | null;

const media = {
  acquire: () => {
    throw new Error("not asked for here");
  },
  download: () => Promise.reject(new Failure("network")),
  uploadLimit: async () => limit,
} satisfies MediaActions;

const open = (roomId = "!a") =>
  new ComposerViewModel({ roomId, timeline: outbox, details: room, media, drafts, environment: world });

beforeEach(() => {
  world = new TestWorld();
  drafts = new Drafts();
  outbox = new Outbox();
  room = new Value<RoomDetails | null>(details({ state: "open" }));
  limit = 1000;
});

describe("a draft", () => {
  it("survives going to another conversation and back, pictures included", async () => {
    const first = open("!a");
    first.setText("Je relis et");
    await first.addFiles([picture()]);
    first.dispose();
    const second = open("!b");
    expect(second.getSnapshot().text).toBe("");
    second.dispose();
    const again = open("!a");
    expect(again.getSnapshot().text).toBe("Je relis et");
    expect(again.getSnapshot().attachments).toHaveLength(1);
    expect(again.getSnapshot().canSend).toBe(true);
  });

  it("is gone once it was sent", async () => {
    const composer = open();
    composer.setText("Bien reçu.");
    await composer.send();
    composer.dispose();
    expect(open().getSnapshot().text).toBe("");
  });

  it("comes back when the message did not leave, before what was written since", async () => {
    const composer = open();
    outbox.refuse = new Failure("identity-changed");
    composer.setText("Premier");
    const sending = composer.send();
    composer.setText("Second");
    await sending;
    expect(composer.getSnapshot().text).toBe("Premier\nSecond");
    expect(composer.getSnapshot().failure?.kind).toBe("identity-changed");
  });

  it("comes back even when the person had gone to another conversation meanwhile", async () => {
    const composer = open();
    outbox.refuse = new Failure("not-encrypted");
    composer.setText("Confidentiel");
    const sending = composer.send();
    composer.dispose();
    await sending;
    expect(open().getSnapshot().text).toBe("Confidentiel");
  });
});

describe("sending", () => {
  it("does nothing for an empty message", async () => {
    const composer = open();
    composer.setText("  \n ");
    await composer.send();
    expect(outbox.texts).toEqual([]);
  });

  it("sends once, even if Enter is pressed twice", async () => {
    const composer = open();
    composer.setText("Bonjour");
    await Promise.all([composer.send(), composer.send()]);
    expect(outbox.texts).toEqual(["Bonjour"]);
  });

  it("gives a single picture its text as a caption, and several pictures a message of their own", async () => {
    const composer = open();
    await composer.addFiles([picture("un.png")]);
    composer.setText("Le plan");
    await composer.send();
    expect(outbox.files.map((file) => [file.name, file.caption])).toEqual([["un.png", "Le plan"]]);
    expect(outbox.texts).toEqual([]);

    await composer.addFiles([picture("deux.png"), picture("trois.png")]);
    composer.setText("Les autres");
    await composer.send();
    expect(outbox.files.map((file) => file.name)).toEqual(["un.png", "deux.png", "trois.png"]);
    expect(outbox.texts).toEqual(["Les autres"]);
    expect(world.urls.size).toBe(0);
  });

  it("is not possible while it is suspended, and possible again afterwards, with the text still there", async () => {
    const composer = open();
    composer.setText("Bonjour");
    room.set(details({ state: "suspended", reason: "identity-changed", people: [] }));
    expect(composer.getSnapshot().canSend).toBe(false);
    await composer.send();
    expect(outbox.texts).toEqual([]);
    room.set(details({ state: "open" }));
    await composer.send();
    expect(outbox.texts).toEqual(["Bonjour"]);
  });

  it("refuses a text that no message can hold before it is lost on the way", () => {
    const composer = open();
    composer.setText("é".repeat(LONGEST_TEXT_BYTES / 2));
    expect(composer.getSnapshot().tooLong).toBe(false);
    composer.setText("é".repeat(LONGEST_TEXT_BYTES / 2 + 1));
    expect(composer.getSnapshot()).toMatchObject({ tooLong: true, canSend: false });
  });
});

describe("files", () => {
  it("that the server would refuse are refused here, with the limit, and the others are kept", async () => {
    const composer = open();
    await composer.addFiles([picture("petit.png", 1000), picture("gros.png", 1001), picture("vide.png", 0)]);
    expect(composer.getSnapshot().attachments.map(({ file }) => file.name)).toEqual(["petit.png"]);
    expect(composer.getSnapshot().refused).toEqual([
      { name: "gros.png", reason: { kind: "too-large", limit: 1000 } },
      { name: "vide.png", reason: { kind: "empty" } },
    ]);
  });

  it("are counted over several drops", async () => {
    const composer = open();
    limit = null;
    await composer.addFiles(Array.from({ length: MOST_ATTACHMENTS }, (_, index) => picture(`${index}.png`)));
    await composer.addFiles([picture("encore.png")]);
    expect(composer.getSnapshot().attachments).toHaveLength(MOST_ATTACHMENTS);
    expect(composer.getSnapshot().refused[0]?.reason).toEqual({ kind: "too-many", most: MOST_ATTACHMENTS });
  });

  it("give their memory back when they are taken out", async () => {
    const composer = open();
    await composer.addFiles([picture()]);
    expect(world.urls.size).toBe(1);
    composer.removeAttachment(composer.getSnapshot().attachments[0]?.id ?? -1);
    expect(world.urls.size).toBe(0);
    expect(composer.getSnapshot().canSend).toBe(false);
  });
});

describe("others see that I type", () => {
  it("until the text is emptied, sent or left", async () => {
    const composer = open();
    composer.setText("B");
    composer.setText("");
    expect(outbox.typing).toEqual([true, false]);
    composer.setText("Bonjour");
    await composer.send();
    expect(outbox.typing.at(-1)).toBe(false);
    composer.setText("Encore");
    composer.dispose();
    await settled();
    expect(outbox.typing.at(-1)).toBe(false);
  });

  it("but never that a draft lies there", () => {
    const composer = open();
    composer.setText("Brouillon");
    composer.dispose();
    outbox.typing.length = 0;
    open();
    expect(outbox.typing).toEqual([]);
  });
});
