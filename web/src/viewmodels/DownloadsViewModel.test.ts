import { describe, expect, it } from "vitest";
import type { MediaActions } from "../matrix/api";
import { Failure } from "../matrix/errors";
import type { FileBody } from "../matrix/types";
import { DownloadsViewModel } from "./DownloadsViewModel";
import { settled, TestWorld } from "./testing";

const file: FileBody = {
  kind: "file",
  name: "Note-situation-v3.pdf",
  caption: null,
  mimeType: "application/pdf",
  size: 412_000,
  source: { kind: "local", url: "blob:test/0" },
  width: null,
  height: null,
  thumbnail: null,
  blurhash: null,
};

function setUp() {
  const world = new TestWorld();
  const asked: { resolve: (blob: Blob) => void; reject: (failure: Failure) => void; progress: (loaded: number) => void }[] = [];
  const media: MediaActions = {
    acquire: () => {
      throw new Error("not asked for here");
    },
    uploadLimit: async () => null,
    download: (_source, options) =>
      new Promise((resolve, reject) => {
        options?.signal?.addEventListener("abort", () => reject(new Failure("cancelled")));
        asked.push({ resolve, reject, progress: (loaded) => options?.onProgress?.(loaded, null) });
      }),
  };
  return { world, asked, downloads: new DownloadsViewModel(media, world) };
}

describe("saving a file", () => {
  it("shows how far it is and saves under the name that its sender gave", async () => {
    const { world, asked, downloads } = setUp();
    void downloads.start("a", file);
    asked[0]?.progress(100_000);
    expect(downloads.getSnapshot().get("a")).toEqual({ status: "running", loaded: 100_000, total: 412_000 });
    asked[0]?.resolve(new Blob(["pdf"]));
    await settled();
    expect(world.saved).toEqual(["Note-situation-v3.pdf"]);
    expect(downloads.getSnapshot().size).toBe(0);
  });

  it("happens once, however often it is asked for", () => {
    const { asked, downloads } = setUp();
    void downloads.start("a", file);
    void downloads.start("a", file);
    expect(asked).toHaveLength(1);
  });

  it("can be given up, and then nothing is saved or complained about", async () => {
    const { world, downloads } = setUp();
    void downloads.start("a", file);
    downloads.cancel("a");
    await settled();
    expect(world.saved).toEqual([]);
    expect(downloads.getSnapshot().size).toBe(0);
  });

  it("says when the file was damaged on the way", async () => {
    const { asked, downloads } = setUp();
    void downloads.start("a", file);
    asked[0]?.reject(new Failure("media-corrupt"));
    await settled();
    expect(downloads.getSnapshot().get("a")).toMatchObject({ status: "failed", failure: { kind: "media-corrupt" } });
  });
});
