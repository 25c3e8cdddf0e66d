import { describe, expect, it } from "vitest";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { OwnProfile, SignOutLoss } from "../matrix/types";
import { deviceName } from "./deviceName";
import { PasswordChangeViewModel } from "./PasswordChangeViewModel";
import { ProfileViewModel } from "./ProfileViewModel";
import { chosenLanguage, rememberLanguage, ThemeSetting } from "./preferences";
import { SessionsViewModel } from "./SessionsViewModel";
import { SignOutViewModel } from "./SignOutViewModel";
import { lea, TestWorld } from "./testing";
import { device, TestDevices } from "./testingSession";

describe("the list of sessions", () => {
  const here = device("HERE", { current: true });

  it("signs others out only with the password, and never this one", async () => {
    const devices = new TestDevices([here, device("B"), device("C")]);
    const model = new SessionsViewModel(devices);
    model.startRemoval([here]);
    expect(model.getSnapshot().removal).toBeNull();
    model.startRemoval([here, device("B"), device("C")]);
    await model.confirmRemoval();
    expect(model.getSnapshot().removal).toMatchObject({ passwordAsked: true, busy: false, failure: null });
    model.setPassword("wrong");
    await model.confirmRemoval();
    expect(model.getSnapshot().removal).toMatchObject({ password: "", failure: { kind: "wrong-password" } });
    model.setPassword("secret");
    await model.confirmRemoval();
    expect(model.getSnapshot()).toMatchObject({ removal: null, state: { devices: [here] } });
  });

  it("renames a session, but not to nothing", async () => {
    const model = new SessionsViewModel(new TestDevices([here]));
    model.startRename(here);
    model.setName("   ");
    await model.saveName();
    expect(model.getSnapshot().renaming).not.toBeNull();
    model.setName(" Ordinateur du bureau ");
    await model.saveName();
    expect(model.getSnapshot()).toMatchObject({ renaming: null, state: { devices: [{ name: "Ordinateur du bureau" }] } });
  });
});

describe("signing out", () => {
  const nothing: SignOutLoss = { unsentMessages: 0, keysNotSaved: 0, noRecovery: false, lastDevice: false };

  function dialog(first: SignOutLoss | Failure, ...later: (SignOutLoss | Failure)[]) {
    const done: string[] = [];
    const world = new TestWorld();
    let loss = first;
    const model = new SignOutViewModel(
      {
        lossOnSignOut: async () => {
          const now = loss;
          loss = later.shift() ?? loss;
          if (now instanceof Failure) throw now;
          return now;
        },
      },
      world,
      async () => {
        done.push("signed out");
      },
    );
    return { model, done, world };
  }

  it("waits for what saves itself, and takes back what was accepted only if more would be lost", async () => {
    const losses = [3, 2, 4, 0].map((keysNotSaved) => ({ ...nothing, keysNotSaved }));
    const { model, world } = dialog(losses[0] ?? nothing, ...losses.slice(1, 2), new Failure("network"), ...losses.slice(2));
    await model.open();
    model.setAccepted(true);
    await world.pass(2_000);
    expect(model.getSnapshot()).toMatchObject({ loss: { keysNotSaved: 2 }, accepted: true });
    await world.pass(2_000);
    expect(model.getSnapshot()).toMatchObject({ loss: { keysNotSaved: 2 }, accepted: true });
    await world.pass(2_000);
    expect(model.getSnapshot()).toMatchObject({ loss: { keysNotSaved: 4 }, accepted: false });
    await world.pass(2_000);
    expect(model.getSnapshot()).toMatchObject({ loses: false });
    model.close();
    expect(world.timerCount).toBe(0);
  });

  it("needs no more than a word where nothing is lost", async () => {
    const { model, done } = dialog(nothing);
    await model.open();
    expect(model.getSnapshot()).toMatchObject({ phase: "asking", loses: false });
    await model.confirm();
    expect(done).toHaveLength(1);
  });

  it.each([{ keysNotSaved: 3 }, { unsentMessages: 1 }, { noRecovery: true }])(
    "is held back until the loss is accepted: %o",
    async (part) => {
      const { model, done } = dialog({ ...nothing, ...part });
      await model.open();
      await model.confirm();
      expect(done).toHaveLength(0);
      model.setAccepted(true);
      await model.confirm();
      expect(done).toHaveLength(1);
    },
  );

  it("is held back too when nobody can tell what would be lost", async () => {
    const { model, done } = dialog(new Failure("network"));
    await model.open();
    expect(model.getSnapshot()).toMatchObject({ phase: "unsure", failure: { kind: "network" } });
    await model.confirm();
    expect(done).toHaveLength(0);
  });
});

describe("my name and my picture", () => {
  function profile() {
    const me = new Value<OwnProfile>({ ...lea, deviceId: "D" });
    const model = new ProfileViewModel({
      me,
      setDisplayName: async (displayName) => me.set({ ...me.getSnapshot(), displayName }),
      setAvatar: async (picture) => {
        if (picture?.type === "text/plain") throw new Failure("media-unreadable");
        me.set({ ...me.getSnapshot(), avatar: picture && "mxc://interieur.example/face" });
      },
    });
    return { me, model };
  }

  it("is saved without the spaces around it, and not when empty", async () => {
    const { me, model } = profile();
    model.setName("  ");
    expect(model.getSnapshot().changed).toBe(false);
    model.setName("  Léa Dubois-Martin ");
    await model.saveName();
    expect(me.getSnapshot().displayName).toBe("Léa Dubois-Martin");
    expect(model.getSnapshot()).toMatchObject({ changed: false, savingName: false });
  });

  it("is not overwritten while it is typed", () => {
    const { me, model } = profile();
    model.setName("Léa D");
    me.set({ ...me.getSnapshot(), displayName: "Autre" });
    expect(model.getSnapshot()).toMatchObject({ name: "Léa D", changed: true });
  });

  it("shows a new picture, takes it away again, and says what is no picture", async () => {
    const { model } = profile();
    await model.savePicture(new Blob([], { type: "image/png" }));
    expect(model.getSnapshot()).toMatchObject({ me: { avatar: "mxc://interieur.example/face" }, savingPicture: false });
    await model.savePicture(new Blob([], { type: "text/plain" }));
    expect(model.getSnapshot()).toMatchObject({ failure: { kind: "media-unreadable" }, savingPicture: false });
    await model.savePicture(null);
    expect(model.getSnapshot()).toMatchObject({ me: { avatar: null }, failure: null });
  });
});

describe("changing the password", () => {
  it("keeps the new one when the present one was wrong", async () => {
    const model = new PasswordChangeViewModel(
      {
        me: new Value<OwnProfile>({ ...lea, deviceId: "D" }),
        changePassword: async (current) => {
          if (current !== "secret") throw new Failure("wrong-password");
        },
        security: { asksPassword: async () => true },
      },
      new TestWorld(),
    );
    model.setCurrent("faux");
    model.setPassword("quatre tasses de rosée");
    await model.submit();
    expect(model.getSnapshot()).toMatchObject({
      current: "",
      password: "quatre tasses de rosée",
      failure: { kind: "wrong-password" },
    });
    model.setCurrent("secret");
    await model.submit();
    expect(model.getSnapshot()).toMatchObject({ changed: true, password: "", failure: null });
  });

  it("is not offered to whoever has none", async () => {
    const model = new PasswordChangeViewModel(
      {
        me: new Value<OwnProfile>({ ...lea, deviceId: "D" }),
        changePassword: async () => undefined,
        security: { asksPassword: async () => false },
      },
      new TestWorld(),
    );
    await model.start();
    expect(model.getSnapshot()).toMatchObject({ hasPassword: false });
  });
});

describe("preferences", () => {
  it("change the page at once and are there at the next visit", () => {
    const world = new TestWorld();
    const attributes = new Map<string, string>();
    const root = {
      setAttribute: (name: string, value: string) => void attributes.set(name, value),
      removeAttribute: (name: string) => void attributes.delete(name),
    };
    new ThemeSetting(world, root).choose("contrast");
    expect(attributes.get("data-theme")).toBe("contrast");
    const later = new ThemeSetting(world, root);
    expect(later.getSnapshot()).toBe("contrast");
    later.choose("system");
    expect(attributes.has("data-theme")).toBe(false);
    expect(chosenLanguage(world)).toBeNull();
    rememberLanguage(world, "en");
    expect(chosenLanguage(world)).toBe("en");
  });
});

describe("a device's name", () => {
  it.each([
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Windows"],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
      "Edge, Windows",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "Chrome, Linux"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1",
      "Safari, iPhone",
    ],
    ["something else", "Pli"],
  ])("of %s", (agent, name) => {
    expect(deviceName(agent)).toBe(name);
  });
});
