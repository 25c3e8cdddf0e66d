import { beforeEach, describe, expect, it } from "vitest";
import type { RoomsActions } from "../matrix/api";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { ConnectionState, RoomListState, RoomSummary } from "../matrix/types";
import { RoomListViewModel } from "./RoomListViewModel";
import { awa, hugo, room, settled, TestWorld } from "./testing";

const cell = room("!cell", "Cellule de crise", { unread: 4 });
const kone = room("!awa", "Awa Koné", { partner: awa });
const petit = room("!hugo", "Hugo Petit", { partner: hugo, unread: 1 });
const invited = room("!new", "Directeurs adjoints", { membership: "invite" });

let list: Value<RoomListState>;
let connection: Value<ConnectionState>;
let world: TestWorld;
let answer: () => Promise<void>;

const nothing = () => Promise.reject(new Failure("unknown"));
function open(): RoomListViewModel {
  const actions: RoomsActions = {
    list,
    details: () => new Value(null),
    acceptInvite: () => answer(),
    declineInvite: () => answer(),
    openDirect: nothing,
    createGroup: nothing,
    invite: nothing,
    leave: nothing,
    rename: nothing,
    removeMember: nothing,
    approveIdentity: nothing,
  };
  return new RoomListViewModel(actions, connection, world);
}
const show = (...rooms: RoomSummary[]) => list.set({ loading: false, rooms, unread: 0, highlights: 0 });
const names = (model: RoomListViewModel) => model.getSnapshot().rooms.map((one) => one.roomId);

beforeEach(() => {
  list = new Value<RoomListState>({ loading: true, rooms: [], unread: 0, highlights: 0 });
  connection = new Value<ConnectionState>({ status: "connecting", caughtUp: false });
  world = new TestWorld();
  answer = async () => {};
});

describe("the filters", () => {
  it("tell people from groups and read from unread", () => {
    const model = open();
    show(cell, kone, petit);
    expect(names(model)).toEqual(["!cell", "!awa", "!hugo"]);
    model.setFilter("people");
    expect(names(model)).toEqual(["!awa", "!hugo"]);
    model.setFilter("groups");
    expect(names(model)).toEqual(["!cell"]);
    model.setFilter("unread");
    expect(names(model)).toEqual(["!cell", "!hugo"]);
    expect(model.getSnapshot().unreadRooms).toBe(2);
  });

  it("do not take a conversation away while it is being read", () => {
    const model = open();
    show(cell, kone);
    model.setFilter("unread");
    model.setOpen("!cell");
    show({ ...cell, unread: 0 }, kone);
    expect(names(model)).toEqual(["!cell"]);
    model.setOpen("!awa");
    expect(names(model)).toEqual(["!awa"]);
  });
});

describe("the search", () => {
  it("finds a name by parts of its words, without accents or capitals", () => {
    const model = open();
    show(cell, kone, petit);
    model.setQuery("kone");
    expect(names(model)).toEqual(["!awa"]);
    model.setQuery("CRI cell");
    expect(names(model)).toEqual(["!cell"]);
  });

  it("says that nothing matches, which is not the same as having no conversation", () => {
    const model = open();
    show(cell);
    model.setQuery("inconnu");
    expect(model.getSnapshot().status).toBe("no-match");
    show();
    expect(model.getSnapshot().status).toBe("empty");
  });
});

describe("moving by keyboard", () => {
  it("goes through what the list shows and stops at its ends", () => {
    const model = open();
    show(cell, kone, petit);
    expect(model.neighbour(1)).toBe("!cell");
    expect(model.neighbour(-1)).toBe("!hugo");
    model.setFilter("people");
    model.setOpen("!awa");
    expect(model.neighbour(1)).toBe("!hugo");
    expect(model.neighbour(-1)).toBeNull();
  });
});

describe("before the first answer", () => {
  it("waits while the server may still answer, and says so when it does not", () => {
    const model = open();
    expect(model.getSnapshot().status).toBe("loading");
    connection.set({ status: "reconnecting", caughtUp: false });
    expect(model.getSnapshot().status).toBe("failed");
    connection.set({ status: "online", caughtUp: true });
    expect(model.getSnapshot().status).toBe("loading");
    show(cell);
    expect(model.getSnapshot().status).toBe("full");
  });

  it("shows what is known of before even without a server", () => {
    connection.set({ status: "offline", caughtUp: false });
    show(cell);
    expect(open().getSnapshot().status).toBe("full");
  });
});

describe("an invitation", () => {
  it("is not among the conversations, and is answered once", async () => {
    let answers = 0;
    let done = () => {};
    answer = () => {
      answers += 1;
      return new Promise((resolve) => {
        done = resolve;
      });
    };
    const model = open();
    show(invited, cell);
    expect(names(model)).toEqual(["!cell"]);
    const accepted = model.accept("!new");
    expect(model.getSnapshot().invitations[0]?.busy).toBe("accepting");
    expect(await model.accept("!new")).toBe(false);
    done();
    expect(await accepted).toBe(true);
    expect(answers).toBe(1);
  });

  it("stays, with the reason, when the answer did not get through", async () => {
    answer = () => Promise.reject(new Failure("network"));
    const model = open();
    show(invited);
    expect(await model.decline("!new")).toBe(false);
    expect(model.getSnapshot().invitations[0]).toMatchObject({ busy: null, failure: { kind: "network" } });
  });
});

describe("at midnight", () => {
  it("the times are worded anew", async () => {
    const model = open();
    const before = model.getSnapshot().today;
    await world.pass(24 * 3_600_000);
    expect(new Date(model.getSnapshot().today).getDate()).not.toBe(new Date(before).getDate());
    model.dispose();
    await settled();
    expect(world.timerCount).toBe(0);
  });
});
