import { createClient } from "matrix-js-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toFailure } from "../errors";
import { silentLogger } from "../session/logger";
import type { OpenSession } from "../session/session";
import { openWithIdentity, until } from "../testing/clients";
import { TestServer } from "../testing/server";
import type { TimelineState } from "../types";
import { MEGOLM } from "./decisions";
import { guardedFetch } from "./wire";

const ROOM = "!room";
const CLAIRE = "@claire:server.test";
const SAMIR = "@samir:server.test";
const MALLORY = "@mallory:server.test";

let server: TestServer;
let sessions: OpenSession[];

async function open(userId: string, deviceId: string): Promise<OpenSession> {
  const session = await openWithIdentity(server, userId, deviceId);
  sessions.push(session);
  return session;
}

/** A client that watches the room's timeline and details, as its screen would. */
function watch(session: OpenSession) {
  const timeline = session.timeline(ROOM);
  const details = session.rooms.details(ROOM);
  timeline.state.subscribe(() => undefined);
  details.subscribe(() => undefined);
  return { timeline, details };
}

function says(text: string): (state: TimelineState) => boolean {
  return (state) => state.items.some((item) => item.body.kind === "text" && item.body.text === text);
}

/** A server where somebody else made keys in Samir's name. */
async function impostorServer(): Promise<TestServer> {
  const elsewhere = new TestServer();
  const session = await openWithIdentity(elsewhere, SAMIR, "IMPOSTOR1");
  await session.close();
  return elsewhere;
}

/** Messages that carry a room key to somebody. */
function keysTo(userId: string): unknown[] {
  return server.seen.flatMap(({ path, body }) => {
    if (!path.includes("/sendToDevice/m.room.encrypted/")) return [];
    const messages = body["messages"] as Record<string, Record<string, unknown>>;
    return Object.entries(messages[userId] ?? {}).map(([deviceId]) => deviceId);
  });
}

function sentEvents(): string[] {
  return server.seen
    .filter(({ path }) => path.includes("/send/"))
    .map(({ path }) => path.split("/send/")[1]?.split("/")[0] ?? "");
}

beforeEach(() => {
  server = new TestServer();
  sessions = [];
});

afterEach(async () => {
  await Promise.all(sessions.map((session) => session.close()));
});

describe("against a server that wants to read along", { timeout: 30_000 }, () => {
  it("two honest people talk", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    server.room(ROOM, [CLAIRE, SAMIR], { algorithm: MEGOLM });
    const at = watch(claire);
    const to = watch(samir);
    await until(at.details, (details) => details?.gate.state === "open");
    await at.timeline.sendText("bonjour Samir");
    const state = await until(to.timeline.state, says("bonjour Samir"));
    expect(state.items.at(-1)).toMatchObject({ mine: false, unproven: false, sender: { userId: CLAIRE } });
    expect(sentEvents()).toEqual(["m.room.encrypted"]);
    expect(JSON.stringify(server.seen)).not.toContain("bonjour Samir");
  });

  it("a device that its owner never signed gets no key", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    server.addGhostDevices(SAMIR, await impostorServer());
    server.room(ROOM, [CLAIRE, SAMIR], { algorithm: MEGOLM });
    const at = watch(claire);
    const to = watch(samir);
    await until(at.details, (details) => details?.gate.state === "open");
    await at.timeline.sendText("pas pour le fantôme");
    await until(to.timeline.state, says("pas pour le fantôme"));
    expect(keysTo(SAMIR)).toEqual(["SAMIR1"]);
  });

  it("a changed identity stops sending until somebody looked", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    const impostor = await impostorServer();
    server.room(ROOM, [CLAIRE, SAMIR], { algorithm: MEGOLM });
    const at = watch(claire);
    const to = watch(samir);
    await until(at.details, (details) => details?.gate.state === "open");
    await at.timeline.sendText("avant");
    await until(to.timeline.state, says("avant"));

    const restore = server.snapshot(SAMIR);
    server.impersonate(SAMIR, impostor);
    const suspended = await until(at.details, (details) => details?.gate.state === "suspended");
    expect(suspended?.gate).toMatchObject({ reason: "identity-changed", people: [{ userId: SAMIR, wasVerified: false }] });
    await until(claire.rooms.list, (list) => list.rooms[0]?.suspended === true);

    const before = server.seen.length;
    await expect(at.timeline.sendText("strictement privé")).rejects.toMatchObject({
      info: { kind: "identity-changed", people: [SAMIR] },
    });
    expect(at.timeline.state.getSnapshot().items.some((item) => item.send.status !== "sent")).toBe(false);
    expect(server.seen.slice(before).filter(({ path }) => /\/send|sendToDevice/.test(path))).toEqual([]);

    // Samir really has a new identity, and Claire accepts it.
    restore();
    await until(at.details, (details) => details?.gate.state === "open");
  });

  it("an identity that is swapped between the check and the sharing of the key gets none", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    const impostor = await impostorServer();
    server.room(ROOM, [CLAIRE, SAMIR], { algorithm: MEGOLM });
    const at = watch(claire);
    watch(samir);
    await until(at.details, (details) => details?.gate.state === "open");

    // Claire's client has checked everybody, and now asks for a one-time key of Samir's device.
    server.duringClaim = async () => {
      server.duringClaim = null;
      const asked = server.seen.length;
      server.impersonate(SAMIR, impostor);
      // The answer waits until Claire's client has learned of the new identity.
      while (!server.seen.slice(asked).some(({ userId, path }) => userId === CLAIRE && path.endsWith("/keys/query"))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until(claire.rooms.list, (list) => list.rooms[0]?.suspended === true);
    };
    await at.timeline.sendText("strictement privé").catch(() => undefined);
    const state = await until(at.timeline.state, (state) => state.items.at(-1)?.send.status === "failed");
    expect(state.items.at(-1)?.send).toMatchObject({ failure: { kind: "identity-changed" } });
    expect(keysTo(SAMIR)).toEqual([]);
    expect(sentEvents()).toEqual([]);
    expect(JSON.stringify(server.seen)).not.toContain("strictement privé");
  });

  it("a room shown without its encryption gets nothing", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    await open(SAMIR, "SAMIR1");
    server.room(ROOM, [CLAIRE, SAMIR], null);
    const at = watch(claire);
    await until(at.details, (details) => details?.gate.state === "suspended");
    expect(at.details.getSnapshot()?.gate).toMatchObject({ reason: "not-encrypted" });
    await expect(at.timeline.sendText("strictement privé")).rejects.toMatchObject({ info: { kind: "not-encrypted" } });
    await at.timeline.sendFiles([{ blob: new Blob(["secret"]), name: "secret.txt" }]);
    const state = await until(at.timeline.state, (state) => state.items.at(-1)?.send.status === "failed");
    expect(state.items.at(-1)?.send).toMatchObject({ failure: { kind: "not-encrypted" } });
    expect(sentEvents()).toEqual([]);
    expect(JSON.stringify(server.seen)).not.toContain("secret.txt");
  });

  it.each([[{ algorithm: "m.megolm.v0" }], [{ algorithm: MEGOLM, rotation_period_msgs: 1_000_000 }]])(
    "a room whose encryption was weakened gets nothing: %j",
    async (encryption) => {
      const claire = await open(CLAIRE, "CLAIRE1");
      await open(SAMIR, "SAMIR1");
      server.room(ROOM, [CLAIRE, SAMIR], encryption);
      const at = watch(claire);
      await until(at.details, (details) => details?.gate.state === "suspended");
      await expect(at.timeline.sendText("strictement privé")).rejects.toMatchObject({ info: { kind: "encryption-weakened" } });
      expect(sentEvents()).toEqual([]);
    },
  );

  it("the SDK itself cannot send in clear, whoever calls it", async () => {
    const client = createClient({
      ...server.device(CLAIRE, "CLAIRE1"),
      fetchFn: guardedFetch(server.fetch),
      logger: silentLogger,
    });
    const error: unknown = await client.sendTextMessage(ROOM, "secret").catch((thrown: unknown) => thrown);
    expect(toFailure(error).kind).toBe("clear-event-refused");
    expect(server.seen).toEqual([]);
  });

  it("a message that arrives in clear is not shown as its sender's", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    await open(SAMIR, "SAMIR1");
    server.room(ROOM, [CLAIRE, SAMIR], { algorithm: MEGOLM });
    const at = watch(claire);
    const told: unknown[] = [];
    claire.notifications.subscribe((notification) => told.push(notification));
    await until(at.details, (details) => details !== null);
    server.inject(ROOM, SAMIR, "m.room.message", { msgtype: "m.text", body: "vire l'argent ici" });
    const state = await until(at.timeline.state, (state) => state.items.at(-1)?.body.kind === "untrusted");
    expect(state.items.at(-1)?.body).toEqual({ kind: "untrusted", reason: "sent-in-clear" });
    await until(claire.rooms.list, (list) => list.rooms[0]?.preview?.content.kind === "unreadable");
    expect(told).toEqual([]);
  });

  it("an event moved to another sender is not shown as that sender's", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    server.room(ROOM, [CLAIRE, SAMIR, MALLORY], { algorithm: MEGOLM });
    const at = watch(claire);
    const to = watch(samir);
    await until(at.details, (details) => details?.gate.state === "open");
    await at.timeline.sendText("de Claire");
    await until(to.timeline.state, says("de Claire"));
    const sent = server.seen.find(({ path }) => path.includes("/send/m.room.encrypted/"));
    server.inject(ROOM, MALLORY, "m.room.encrypted", sent?.body ?? {});
    const state = await until(to.timeline.state, (state) => {
      const last = state.items.at(-1);
      return last?.sender.userId === MALLORY && !(last.body.kind === "unreadable" && last.body.reason === "waiting");
    });
    expect(["untrusted", "unreadable"]).toContain(state.items.at(-1)?.body.kind);
  });
});
