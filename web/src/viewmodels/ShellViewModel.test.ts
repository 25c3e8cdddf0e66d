import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../matrix/api";
import { Value } from "../matrix/observable";
import type { ConnectionState, RoomListState } from "../matrix/types";
import { ShellViewModel } from "./ShellViewModel";
import { lea, room, TestWorld } from "./testing";
import { TestSecurity } from "./testingSession";

let world: TestWorld;
let security: TestSecurity;
let connection: Value<ConnectionState>;
let list: Value<RoomListState>;
let shell: ShellViewModel;

beforeEach(() => {
  world = new TestWorld();
  security = new TestSecurity();
  connection = new Value<ConnectionState>({ status: "online", caughtUp: true });
  list = new Value<RoomListState>({ loading: false, rooms: [room("!crise", "Cellule de crise")], unread: 0, highlights: 0 });
  const session = { me: new Value({ ...lea, deviceId: "D" }), rooms: { list }, security, connection } as unknown as Session;
  shell = new ShellViewModel(session, world);
});

describe("the tab's title", () => {
  it("says where the person is and how many messages wait", () => {
    expect(shell.getSnapshot().title).toBe("Pli");
    shell.setPlace("!crise", null);
    list.set({ ...list.getSnapshot(), unread: 4 });
    expect(shell.getSnapshot().title).toBe("(4) Cellule de crise · Pli");
    list.set({ ...list.getSnapshot(), unread: 140 });
    shell.setPlace(null, "Réglages");
    expect(shell.getSnapshot().title).toBe("(99+) Réglages · Pli");
  });
});

describe("the link to the server", () => {
  it("is not worth a word when it comes back at once", async () => {
    connection.set({ status: "reconnecting", caughtUp: true });
    expect(shell.getSnapshot().link).toBeNull();
    connection.set({ status: "online", caughtUp: true });
    await world.pass(10_000);
    expect(shell.getSnapshot().link).toBeNull();
  });

  it("is told of when it stays away, and at once when there is no network", async () => {
    connection.set({ status: "reconnecting", caughtUp: true });
    await world.pass(3000);
    expect(shell.getSnapshot().link).toBe("reconnecting");
    connection.set({ status: "offline", caughtUp: true });
    expect(shell.getSnapshot().link).toBe("offline");
    connection.set({ status: "online", caughtUp: true });
    expect(shell.getSnapshot().link).toBeNull();
  });
});

describe("the recovery code", () => {
  it("is offered to whoever has none, because losing this device would lose everything", () => {
    security.state.set({ status: "ready", backup: false, recoveryCode: false });
    expect(shell.getSnapshot()).toMatchObject({ offerRecoveryCode: true, backupStopped: false });
    security.state.set({ status: "ready", backup: false, recoveryCode: true });
    expect(shell.getSnapshot()).toMatchObject({ offerRecoveryCode: false, backupStopped: true });
  });
});
