import { beforeEach, describe, expect, it } from "vitest";
import type { InviteResult, PeopleActions, RoomsActions } from "../matrix/api";
import { Failure, failureInfo } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { RoomListState, UserId } from "../matrix/types";
import { AddPeopleViewModel } from "./AddPeopleViewModel";
import { NewConversationViewModel } from "./NewConversationViewModel";
import { awa, claire, lea, settled, TestWorld } from "./testing";

const directory: PeopleActions = {
  search: async () => ({ people: [awa, claire], limited: false }),
  details: () => new Value(null),
};

let made: { name: string; people: readonly UserId[] }[];
let refuse: Failure | null;
let invited: InviteResult;

const nothing = () => Promise.reject(new Failure("unknown"));
const rooms: RoomsActions = {
  list: new Value<RoomListState>({ loading: false, rooms: [], unread: 0, highlights: 0 }),
  details: () => new Value(null),
  openDirect: async (userId) => {
    if (refuse) throw refuse;
    return `!with ${userId}`;
  },
  createGroup: async (group) => {
    await settled();
    made.push(group);
    return "!group";
  },
  invite: async () => invited,
  acceptInvite: nothing,
  declineInvite: nothing,
  leave: nothing,
  rename: nothing,
  removeMember: nothing,
  approveIdentity: nothing,
};

beforeEach(() => {
  made = [];
  refuse = null;
  invited = { invited: [], failed: [] };
});

describe("a new group", () => {
  const open = () => new NewConversationViewModel(rooms, directory, lea.userId, new TestWorld());

  it("needs a name, and says so instead of making one without", async () => {
    const model = open();
    model.setGroupName("   ");
    expect(await model.createGroup()).toBeNull();
    expect(model.getSnapshot().nameMissing).toBe(true);
    expect(made).toEqual([]);
  });

  it("is made once with those who were picked, even if the button is pressed twice", async () => {
    const model = open();
    model.setGroupName(" Cellule de crise ");
    model.search.pick(awa);
    model.search.pick(claire);
    const [first, second] = await Promise.all([model.createGroup(), model.createGroup()]);
    expect([first, second]).toEqual(["!group", null]);
    expect(made).toEqual([{ name: "Cellule de crise", people: [awa.userId, claire.userId] }]);
  });
});

describe("a new conversation with a person", () => {
  it("tells why it could not be opened, and can be tried again", async () => {
    const model = new NewConversationViewModel(rooms, directory, lea.userId, new TestWorld());
    refuse = new Failure("network");
    expect(await model.start(awa)).toBeNull();
    expect(model.getSnapshot()).toMatchObject({ busy: false, failure: { kind: "network" } });
    refuse = null;
    expect(await model.start(awa)).toBe(`!with ${awa.userId}`);
    expect(model.getSnapshot().failure).toBeNull();
  });
});

describe("adding people", () => {
  it("keeps those who could not be added, with the reason, so that nobody is thought to be there who is not", async () => {
    const model = new AddPeopleViewModel(rooms, directory, "!group", new Value(null), new TestWorld());
    model.search.pick(awa);
    model.search.pick(claire);
    const failure = failureInfo("forbidden");
    invited = { invited: [awa.userId], failed: [{ userId: claire.userId, failure }] };
    expect(await model.submit()).toBe(false);
    expect(model.search.getSnapshot().picked).toEqual([claire]);
    expect(model.getSnapshot().refused).toEqual([{ person: claire, failure }]);
  });
});
