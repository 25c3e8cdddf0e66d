import { beforeEach, describe, expect, it } from "vitest";
import { Failure } from "../matrix/errors";
import { awa, settled } from "./testing";
import { TestVerification } from "./testingSession";
import { VerificationViewModel } from "./VerificationViewModel";

let actions: TestVerification;
let model: VerificationViewModel;

beforeEach(() => {
  actions = new TestVerification();
  model = new VerificationViewModel(actions);
});

describe("comparing emojis", () => {
  it("shows what was begun here, wherever in the app it was begun", async () => {
    await actions.requestPerson(awa.userId);
    expect(model.getSnapshot()).toMatchObject({ shown: { id: "flow1" }, incoming: null });
  });

  it("asks before taking part in what others begin", async () => {
    actions.add({ self: false, other: awa });
    expect(model.getSnapshot()).toMatchObject({ shown: null, incoming: { other: awa } });
    await model.accept();
    expect(model.getSnapshot()).toMatchObject({ shown: { id: "flow1", step: { status: "ready" } }, incoming: null });
    actions.move("flow1", { status: "comparing", emojis: [] });
    await model.confirm();
    expect(actions.calls).toEqual(["accept flow1", "confirm flow1"]);
    actions.move("flow1", { status: "done" });
    await model.close();
    expect(model.getSnapshot().shown).toBeNull();
    expect(actions.calls).not.toContain("cancel flow1");
  });

  it("tells the other side when a request is declined or a dialog is closed half-way", async () => {
    actions.add({});
    await model.decline();
    expect(model.getSnapshot().incoming).toBeNull();
    await model.requestOwn();
    await model.close();
    expect(actions.calls).toEqual(["cancel flow1", "requestOwn any", "cancel flow2"]);
    expect(actions.flows.getSnapshot()).toEqual([]);
  });

  it("drops a request that was withdrawn or answered elsewhere before anybody looked", async () => {
    const id = actions.add({});
    actions.move(id, { status: "cancelled", reason: "elsewhere" });
    await settled();
    expect(model.getSnapshot()).toMatchObject({ shown: null, incoming: null });
    expect(actions.flows.getSnapshot()).toEqual([]);
  });

  it("keeps the alarm in sight when the emojis differ", async () => {
    await model.requestOwn("OTHER");
    actions.move("flow1", { status: "comparing", emojis: [] });
    await model.differ();
    expect(model.getSnapshot().shown?.step).toEqual({ status: "cancelled", reason: "mismatch" });
  });

  it("says when a request could not leave, and can be tried again", async () => {
    actions.failNext = new Failure("network");
    await model.requestOwn();
    expect(model.getSnapshot()).toMatchObject({ shown: null, busy: false, failure: { kind: "network" } });
    await model.requestOwn();
    expect(model.getSnapshot()).toMatchObject({ shown: { id: "flow1" }, failure: null });
  });

  it("gets out of the way once it has let a new device in", async () => {
    await model.requestEntry();
    actions.move("flow1", { status: "comparing", emojis: [] });
    expect(model.getSnapshot().shown).not.toBeNull();
    actions.move("flow1", { status: "done" });
    await settled();
    expect(model.getSnapshot().shown).toBeNull();
  });

  it("starts again with the same person after a time-out", async () => {
    await actions.requestPerson(awa.userId);
    actions.move("flow1", { status: "cancelled", reason: "timeout" });
    await model.again();
    expect(model.getSnapshot().shown).toMatchObject({ id: "flow2", step: { status: "requested" } });
  });
});
