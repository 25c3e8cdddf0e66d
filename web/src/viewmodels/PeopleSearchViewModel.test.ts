import { beforeEach, describe, expect, it } from "vitest";
import type { PeopleActions } from "../matrix/api";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { PeopleSearchResult } from "../matrix/types";
import { PeopleSearchViewModel, SEARCH_PAUSE_MS } from "./PeopleSearchViewModel";
import { awa, claire, hugo, lea, settled, TestWorld } from "./testing";

let world: TestWorld;
let asked: { text: string; answer: (result: PeopleSearchResult) => void; fail: (failure: Failure) => void }[];

const directory: PeopleActions = {
  search: (text) =>
    new Promise((answer, fail) => {
      asked.push({ text, answer, fail });
    }),
  details: () => new Value(null),
};
const open = () => new PeopleSearchViewModel(directory, world, () => new Set([lea.userId]));

beforeEach(() => {
  world = new TestWorld();
  asked = [];
});

describe("searching", () => {
  it("asks once the person pauses, not at each letter", async () => {
    const model = open();
    for (const query of ["aw", "awa", "awa k"]) {
      model.setQuery(query);
      await world.pass(SEARCH_PAUSE_MS - 1);
    }
    await world.pass(SEARCH_PAUSE_MS);
    expect(asked.map(({ text }) => text)).toEqual(["awa k"]);
  });

  it("never shows the answer to an older question", async () => {
    const model = open();
    model.setQuery("claire");
    await world.pass(SEARCH_PAUSE_MS);
    model.setQuery("hugo");
    await world.pass(SEARCH_PAUSE_MS);
    asked[1]?.answer({ people: [hugo], limited: false });
    await settled();
    asked[0]?.answer({ people: [claire], limited: false });
    await settled();
    expect(model.getSnapshot().people).toEqual([hugo]);
  });

  it("does not offer oneself, and says when nobody else was found", async () => {
    const model = open();
    model.setQuery("léa");
    await world.pass(SEARCH_PAUSE_MS);
    asked[0]?.answer({ people: [lea], limited: false });
    await settled();
    expect(model.getSnapshot().status).toBe("none");
  });

  it("tells a failure and tries again with the same name", async () => {
    const model = open();
    model.setQuery("awa");
    await world.pass(SEARCH_PAUSE_MS);
    asked[0]?.fail(new Failure("network"));
    await settled();
    expect(model.getSnapshot()).toMatchObject({ status: "failed", failure: { kind: "network" } });
    model.retry();
    asked[1]?.answer({ people: [awa], limited: true });
    await settled();
    expect(model.getSnapshot()).toMatchObject({ status: "found", people: [awa], limited: true, failure: null });
  });

  it("ends with the dialog", async () => {
    const model = open();
    model.setQuery("awa");
    model.dispose();
    await world.pass(SEARCH_PAUSE_MS);
    expect(asked).toEqual([]);
  });
});

describe("picking", () => {
  it("takes each person once and frees the field for the next name", async () => {
    const model = open();
    model.setQuery("awa");
    await world.pass(SEARCH_PAUSE_MS);
    asked[0]?.answer({ people: [awa, claire], limited: false });
    await settled();
    model.pick(awa);
    model.pick(awa);
    expect(model.getSnapshot()).toMatchObject({ picked: [awa], query: "", status: "idle" });
    model.unpick(awa.userId);
    expect(model.getSnapshot().picked).toEqual([]);
  });
});
