import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../matrix/api";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import { GateViewModel } from "./GateViewModel";
import type { RecoveryCodeViewModel } from "./RecoveryCodeViewModel";
import { lea, settled, TestWorld } from "./testing";
import { firstWords, TestSecurity } from "./testingSession";

let world: TestWorld;
let security: TestSecurity;
let typedPassword: string | null;

beforeEach(() => {
  world = new TestWorld();
  security = new TestSecurity();
  typedPassword = null;
});

/** The page as it starts: a later one with the same world is the same browser. */
function open(): GateViewModel {
  const session = { security, me: new Value({ ...lea, deviceId: "DEVICE" }) } as unknown as Session;
  return new GateViewModel({
    session,
    environment: world,
    language: () => "fr",
    takePassword: () => typedPassword,
    random: () => 0,
  });
}

const screen = (gate: GateViewModel) => gate.getSnapshot().screen;

function codeOf(gate: GateViewModel): RecoveryCodeViewModel {
  const snapshot = gate.getSnapshot();
  if (snapshot.screen !== "recovery-code") throw new Error(`the gate shows ${snapshot.screen}`);
  return snapshot.model;
}

function confirm(model: RecoveryCodeViewModel, words: string): void {
  model.writtenDown();
  const snapshot = model.getSnapshot();
  if (snapshot.step !== "confirm") throw new Error(`the code is at ${snapshot.step}`);
  const list = words.split(" ");
  model.setAnswer(0, list[snapshot.positions[0]] ?? "");
  model.setAnswer(1, list[snapshot.positions[1]] ?? "");
  model.confirm();
}

describe("a first run", () => {
  it("opens the conversations only once two words of the code were given back", async () => {
    const gate = open();
    expect(screen(gate)).toBe("checking");
    security.state.set({ status: "needs-setup" });
    await settled();
    const model = codeOf(gate);
    expect(model.getSnapshot()).toEqual({ step: "show", words: firstWords.split(" ") });
    model.writtenDown();
    model.setAnswer(0, "erreur");
    model.setAnswer(1, "rocher");
    model.confirm();
    expect(model.getSnapshot()).toMatchObject({ step: "confirm", wrong: [true, false] });
    expect(screen(gate)).toBe("recovery-code");
    model.showAgain();
    confirm(model, firstWords);
    expect(screen(gate)).toBe("open");
    expect(security.codes).toEqual([firstWords]);
  });

  it("takes words without their capitals and accents, or their first four letters", async () => {
    const gate = open();
    security.state.set({ status: "needs-setup" });
    await settled();
    const model = codeOf(gate);
    model.writtenDown();
    model.setAnswer(0, " LAVÀNDE ");
    model.setAnswer(1, "roch");
    model.confirm();
    expect(screen(gate)).toBe("open");
  });

  it("comes back with a new code if the tab was closed before the words were given back", async () => {
    open();
    security.state.set({ status: "needs-setup" });
    await settled();
    const later = open();
    await settled();
    expect(later.getSnapshot()).toMatchObject({ screen: "recovery-code", resumed: true });
    const model = codeOf(later);
    const shown = model.getSnapshot();
    expect(shown.step === "show" && shown.words.join(" ")).toBe(security.codes.at(-1));
    expect(security.codes).toHaveLength(2);
    confirm(model, security.codes.at(-1) ?? "");
    expect(screen(later)).toBe("open");
    expect(screen(open())).toBe("open");
  });

  it("confirms with the password of the sign-in a moment ago, and asks for it only if there is none", async () => {
    security.password = "secret";
    typedPassword = "secret";
    const gate = open();
    security.state.set({ status: "needs-setup" });
    await settled();
    expect(codeOf(gate).getSnapshot().step).toBe("show");

    world = new TestWorld();
    security = new TestSecurity();
    security.password = "secret";
    typedPassword = null;
    const other = open();
    security.state.set({ status: "needs-setup" });
    await settled();
    const model = codeOf(other);
    expect(model.getSnapshot()).toEqual({ step: "password", busy: false, failure: null, asksPassword: true });
    await model.submitPassword("wrong");
    expect(model.getSnapshot()).toMatchObject({ step: "password", failure: { kind: "wrong-password" } });
    await model.submitPassword("secret");
    expect(model.getSnapshot().step).toBe("show");
  });

  it("goes on with the same code after a failure half-way, which the server may already know of", async () => {
    security.failNext = new Failure("network");
    const gate = open();
    security.state.set({ status: "needs-setup" });
    await settled();
    const model = codeOf(gate);
    expect(model.getSnapshot()).toMatchObject({ step: "failed", failure: { kind: "network" } });
    await model.retry();
    expect(security.codes).toEqual([firstWords]);
  });
});

describe("a new browser", () => {
  beforeEach(() => {
    security.codes.push(firstWords);
    security.state.set({ status: "needs-recovery", otherDevice: true, recoveryCode: true });
  });

  it("opens with the code as it was written down: numbered, in lines, in capitals", async () => {
    const gate = open();
    expect(gate.getSnapshot()).toMatchObject({ screen: "recovery", otherDevice: true, wordCount: 0 });
    gate.setWords(
      firstWords
        .split(" ")
        .map((word, index) => `${index + 1}. ${word}`)
        .join("\n"),
    );
    expect(gate.getSnapshot()).toMatchObject({ wordCount: 12 });
    await gate.submitWords();
    expect(screen(gate)).toBe("restoring");
    security.restore.set({ status: "restoring", done: 1, total: 2 });
    expect(gate.getSnapshot()).toMatchObject({ screen: "restoring", progress: { done: 1 } });
    security.restore.set({ status: "done", total: 2 });
    expect(screen(gate)).toBe("open");
  });

  it("names the word that is wrong and keeps what was typed", async () => {
    const gate = open();
    gate.setWords("lavande rochet");
    await gate.submitWords();
    expect(gate.getSnapshot()).toMatchObject({
      screen: "recovery",
      words: "lavande rochet",
      busy: false,
      failure: { kind: "recovery-code-malformed", wordIndex: 1 },
    });
    gate.setWords("lavande rocher");
    expect(gate.getSnapshot()).toMatchObject({ failure: null });
  });

  it("does not make anybody wait for the history", async () => {
    const gate = open();
    gate.setWords(firstWords);
    await gate.submitWords();
    gate.continueInBackground();
    expect(screen(gate)).toBe("open");
    security.restore.set({ status: "restoring", done: 1, total: 2 });
    expect(screen(gate)).toBe("open");
  });

  it("opens by itself when another device confirmed it", () => {
    const gate = open();
    security.state.set({ status: "ready", backup: true, recoveryCode: true });
    expect(screen(gate)).toBe("open");
  });

  it("starts over only with the password, and not at all if the person thinks better of it", async () => {
    security.password = "secret";
    const gate = open();
    gate.startReset();
    expect(codeOf(gate).getSnapshot().step).toBe("password");
    gate.cancelReset();
    expect(screen(gate)).toBe("recovery");
    gate.startReset();
    const model = codeOf(gate);
    await model.submitPassword("wrong");
    expect(model.getSnapshot()).toMatchObject({ step: "password", failure: { kind: "wrong-password" } });
    await model.submitPassword("secret");
    expect(model.getSnapshot().step).toBe("show");
    confirm(model, security.codes.at(-1) ?? "");
    expect(screen(gate)).toBe("open");
  });
});

describe("a start without network", () => {
  it("shows the conversations on a device that was confirmed before, and says what is wrong on one that was not", () => {
    security.state.set({ status: "failed", failure: new Failure("network").info });
    expect(screen(open())).toBe("failed");
    security.state.set({ status: "ready", backup: true, recoveryCode: true });
    open();
    security.state.set({ status: "failed", failure: new Failure("network").info });
    expect(screen(open())).toBe("open");
  });
});
