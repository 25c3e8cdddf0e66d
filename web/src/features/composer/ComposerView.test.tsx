import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setLanguage } from "../../i18n";
import type { Timeline } from "../../matrix/api";
import { Failure } from "../../matrix/errors";
import type { RoomDetails, SendGate, TimelineState } from "../../matrix/types";
import { ComposerViewModel } from "../../viewmodels/ComposerViewModel";
import { Drafts } from "../../viewmodels/Drafts";
import { TestWorld, Value } from "../../viewmodels/testing";
import { ComposerView } from "./ComposerView";

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

function show(gate: SendGate) {
  const sent: string[] = [];
  const timeline: Timeline = {
    state: new Value<TimelineState>({ roomId: "!a", items: [], backwards: { status: "end" }, fullyRead: null }),
    sendText: async (text) => {
      sent.push(text);
    },
    sendFiles: async (files) => {
      sent.push(...files.map((file) => file.name));
    },
    loadOlder: async () => {},
    markRead: async () => {},
    redact: async () => {},
    retry: async () => {},
    discard: async () => {},
    setTyping: () => {},
  };
  const model = new ComposerViewModel({
    roomId: "!a",
    timeline,
    details: new Value<RoomDetails | null>(details(gate)),
    media: {
      acquire: () => {
        throw new Failure("unknown");
      },
      download: () => Promise.reject(new Failure("unknown")),
      uploadLimit: async () => null,
    },
    drafts: new Drafts(),
    environment: new TestWorld(),
  });
  render(<ComposerView model={model} name="Cellule de crise" />);
  return { sent, model };
}

beforeEach(() => setLanguage("fr"));
afterEach(cleanup);

describe("the keyboard", () => {
  it("sends with Enter and starts a new line with Shift+Enter", async () => {
    const { sent } = show({ state: "open" });
    await userEvent.type(screen.getByRole("textbox"), "Bonjour{Shift>}{Enter}{/Shift}à tous{Enter}");
    expect(sent).toEqual(["Bonjour\nà tous"]);
    expect(screen.getByRole("textbox")).toHaveProperty("value", "");
  });

  it("leaves Enter to the person who is composing a letter, so that half a word is not sent", async () => {
    const { sent } = show({ state: "open" });
    const field = screen.getByRole("textbox");
    await userEvent.type(field, "に");
    fireEvent.keyDown(field, { key: "Enter", isComposing: true });
    expect(sent).toEqual([]);
  });
});

describe("a pasted picture", () => {
  it("is shown before it is sent", async () => {
    const { sent } = show({ state: "open" });
    const field = screen.getByRole("textbox");
    const file = new File([new Uint8Array(4)], "capture.png", { type: "image/png" });
    fireEvent.paste(field, { clipboardData: { files: [file], getData: () => "" } });
    await screen.findByText("capture.png");
    expect(sent).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Envoyer" }));
    expect(sent).toEqual(["capture.png"]);
  });

  it("gives way to text that was copied with it", async () => {
    show({ state: "open" });
    const file = new File([new Uint8Array(4)], "image.png", { type: "image/png" });
    fireEvent.paste(screen.getByRole("textbox"), { clipboardData: { files: [file], getData: () => "du texte" } });
    expect(screen.queryByText("image.png")).toBeNull();
  });
});

describe("while sending is suspended", () => {
  it("nothing can be typed, and it is said why", () => {
    show({ state: "suspended", reason: "not-encrypted", people: [] });
    expect(screen.queryByRole("textbox")).toBeNull();
    expect(screen.getByRole("status").textContent).toContain("n’est pas chiffrée");
  });
});
