import { describe, expect, it } from "vitest";
import { Failure } from "../matrix/errors";
import { ConfirmationsElsewhere } from "../matrix/session/elsewhere";
import type { ConfirmationReason } from "../matrix/types";
import { ConfirmationViewModel } from "./ConfirmationViewModel";
import { TestWorld } from "./testing";

function setUp() {
  const world = new TestWorld();
  const confirmations = new ConfirmationsElsewhere("https://pli.test");
  const model = new ConfirmationViewModel({ confirmation: confirmations.pending }, world);
  /** Asks, and waits until the question is on the screen. */
  const ask = async (why: ConfirmationReason = "first") => {
    const asked = confirmations.ask("a session", why);
    await Promise.resolve();
    return { asked };
  };
  return { world, confirmations, model, ask };
}

describe("confirming where the account signs in", () => {
  it("goes on by itself when the person comes back from the other tab", async () => {
    const { world, model, ask } = setUp();
    expect(model.getSnapshot()).toBeNull();
    const { asked } = await ask();
    expect(model.getSnapshot()).toEqual({ opened: false, why: "first" });
    model.open();
    expect(world.tabs).toEqual(["https://pli.test/_matrix/client/v3/auth/m.login.sso/fallback/web?session=a+session"]);
    world.attention.set(false);
    expect(model.getSnapshot()).toEqual({ opened: true, why: "first" });
    world.attention.set(true);
    await asked;
    expect(model.getSnapshot()).toBeNull();
  });

  it("waits while nobody has opened the page", async () => {
    const { world, model, ask } = setUp();
    await ask();
    world.attention.set(false);
    world.attention.set(true);
    expect(model.getSnapshot()).toEqual({ opened: false, why: "first" });
  });

  it("lets somebody who came back too early go on in the tab that is open", async () => {
    const { world, model, ask } = setUp();
    const first = await ask();
    model.open();
    world.attention.set(false);
    world.attention.set(true);
    await first.asked;
    const again = await ask("again");
    expect(model.getSnapshot()).toEqual({ opened: true, why: "again" });
    world.attention.set(false);
    world.attention.set(true);
    await again.asked;
    await ask("next");
    expect(model.getSnapshot()).toEqual({ opened: false, why: "next" });
  });

  it("gives the action up, and asks the next question", async () => {
    const { confirmations, model, ask } = setUp();
    const first = await ask();
    const second = confirmations.ask("another", "first");
    model.cancel();
    await expect(first.asked).rejects.toEqual(new Failure("cancelled"));
    await Promise.resolve();
    expect(model.getSnapshot()).toEqual({ opened: false, why: "first" });
    model.proceed();
    await second;
  });

  it("does not leave an action waiting when the session closes", async () => {
    const { confirmations, ask } = setUp();
    const { asked } = await ask();
    const rejected = expect(asked).rejects.toEqual(new Failure("cancelled"));
    confirmations.close();
    await rejected;
  });
});
