import { beforeEach, describe, expect, it } from "vitest";
import { setLanguage } from "../i18n";
import type { NotificationSource } from "../matrix/api";
import type { MessageNotification } from "../matrix/types";
import { NotificationsViewModel } from "./NotificationsViewModel";
import { claire, TestWorld } from "./testing";

let world: TestWorld;
let tell: (notification: MessageNotification) => void;

const source: NotificationSource = {
  subscribe(listener) {
    tell = listener;
    return () => {
      tell = () => {};
    };
  },
};
const message = (part: Partial<MessageNotification> = {}): MessageNotification => ({
  roomId: "!cell",
  roomName: "Cellule de crise",
  eventId: "$1",
  sender: claire,
  direct: false,
  highlight: false,
  sound: false,
  text: "La note est partie.",
  kind: "text",
  ts: 0,
  ...part,
});

async function enabled(): Promise<NotificationsViewModel> {
  const model = new NotificationsViewModel(source, world);
  await model.enable();
  return model;
}

beforeEach(() => {
  world = new TestWorld();
  setLanguage("fr");
});

describe("nothing is shown", () => {
  it("before the person asked for it, even if the browser allows it", () => {
    world.permission = "granted";
    new NotificationsViewModel(source, world);
    tell(message());
    expect(world.shown).toEqual([]);
  });

  it("when the browser refuses", async () => {
    world.answer = "denied";
    const model = await enabled();
    tell(message());
    expect(world.shown).toEqual([]);
    expect(model.getSnapshot()).toMatchObject({ permission: "denied", enabled: false });
  });

  it("of the conversation that the person is looking at", async () => {
    const model = await enabled();
    model.setOpen("!cell", () => {});
    tell(message());
    expect(world.shown).toEqual([]);
    world.attention.set(false);
    tell(message());
    expect(world.shown).toHaveLength(1);
  });
});

describe("a notification", () => {
  it("says who wrote what and where", async () => {
    await enabled();
    tell(message());
    expect(world.shown[0]).toMatchObject({ title: "Cellule de crise", body: "Claire Martin : La note est partie." });
    tell(message({ direct: true, kind: "image", text: null }));
    expect(world.shown[1]).toMatchObject({ title: "Claire Martin", body: "Photo" });
  });

  it("tells nothing at all when the person wants no text on the screen", async () => {
    const model = await enabled();
    model.setShowText(false);
    tell(message());
    const shown = JSON.stringify(world.shown[0]);
    for (const secret of ["note", "Claire", "Cellule"]) expect(shown).not.toContain(secret);
  });

  it("opens its conversation", async () => {
    const model = await enabled();
    const opened: string[] = [];
    model.setOpen(null, (roomId) => opened.push(roomId));
    tell(message());
    world.shown[0]?.onClick();
    expect(opened).toEqual(["!cell"]);
  });

  it("goes away once the conversation is looked at", async () => {
    const model = await enabled();
    world.attention.set(false);
    tell(message());
    model.setOpen("!cell", () => {});
    expect(world.closed).toEqual([]);
    world.attention.set(true);
    expect(world.closed).toEqual(["!cell"]);
  });
});

describe("the offer", () => {
  it("is made once and never again to who declined it", () => {
    const model = new NotificationsViewModel(source, world);
    expect(model.getSnapshot().offered).toBe(true);
    model.declineOffer();
    expect(new NotificationsViewModel(source, world).getSnapshot().offered).toBe(false);
  });

  it("is not made where the browser has already answered", () => {
    world.permission = "denied";
    expect(new NotificationsViewModel(source, world).getSnapshot().offered).toBe(false);
  });
});

describe("the choices", () => {
  it("are remembered by this browser", async () => {
    const model = await enabled();
    model.setShowText(false);
    model.dispose();
    expect(new NotificationsViewModel(source, world).getSnapshot()).toMatchObject({ enabled: true, showText: false });
  });
});
