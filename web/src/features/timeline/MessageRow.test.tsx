import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setLanguage } from "../../i18n";
import type { MediaState, TimelineItem } from "../../matrix/types";
import { PicturesViewModel } from "../../viewmodels/PicturesViewModel";
import { claire, item, lea, Value } from "../../viewmodels/testing";
import { PicturesProvider } from "../people/pictures";
import { type MessageActions, MessageRow } from "./MessageRow";

const nothing: MessageActions = {
  copy: () => {},
  askDelete: () => {},
  retry: () => {},
  discard: () => {},
  save: () => {},
  cancelSave: () => {},
};

const pictures = new PicturesViewModel(
  {
    acquire: () => ({ state: new Value<MediaState>({ status: "loading" }), release: () => {} }),
    download: async () => new Blob(),
    uploadLimit: async () => null,
  },
  1,
);

function show(one: TimelineItem) {
  const row = { kind: "message", key: one.key, item: one, first: true, last: true, readers: [] } as const;
  return render(
    <PicturesProvider pictures={pictures}>
      <MessageRow row={row} actions={nothing} download={undefined} tabStop />
    </PicturesProvider>,
  );
}

const text = (body: string): TimelineItem["body"] => ({ kind: "text", text: body, emote: false, notice: false });

beforeEach(() => setLanguage("fr"));
afterEach(cleanup);

describe("a message's text", () => {
  it("is never read as markup, so that nobody can run code in somebody else's page", () => {
    const { container } = show(item("a", claire, { body: text('<img src=x onerror="alert(1)"><script>alert(2)</script>') }));
    expect(container.querySelector("img, script")).toBeNull();
    expect(screen.getByText(/<script>alert\(2\)<\/script>/)).toBeTruthy();
  });

  it("opens its links apart, without telling where they came from", () => {
    show(item("a", claire, { body: text("Voir https://interieur.example/note") }));
    const link = screen.getByRole("link");
    expect(link.getAttribute("href")).toBe("https://interieur.example/note");
    expect(link.getAttribute("target")).toBe("_blank");
    expect(link.getAttribute("rel")).toContain("noopener");
    expect(link.getAttribute("rel")).toContain("noreferrer");
  });
});

describe("what cannot be shown", () => {
  it("is said in plain words, without ids or technical terms", () => {
    const bodies: TimelineItem["body"][] = [
      ...(["waiting", "before-me", "withheld-unconfirmed", "withheld", "backup-locked", "unknown"] as const).map(
        (reason) => ({ kind: "unreadable", reason }) as const,
      ),
      ...(["unknown-device", "unsigned-device", "mismatched-sender", "identity-changed", "sent-in-clear"] as const).map(
        (reason) => ({ kind: "untrusted", reason }) as const,
      ),
      { kind: "unsupported", type: "org.example.strange" },
    ];
    for (const body of bodies) {
      const { container, unmount } = show(item("a", claire, { body }));
      const words = container.textContent ?? "";
      expect(words.length).toBeGreaterThan(20);
      for (const forbidden of ["déchiffr", "Megolm", "cross-sign", "@", "$", "org.example"]) {
        expect(words).not.toContain(forbidden);
      }
      unmount();
    }
  });
});

describe("my message that did not leave", () => {
  it("says why, and can be sent again or given up", () => {
    const failure = { kind: "network", i18nKey: "errors.network", retryable: true } as const;
    show(item("a", lea, { mine: true, eventId: null, send: { status: "failed", failure } }));
    expect(screen.getByRole("alert").textContent).toContain("Le serveur ne répond pas");
    expect(screen.getByRole("button", { name: "Réessayer" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "Ne pas envoyer" })).toBeTruthy();
  });
});
