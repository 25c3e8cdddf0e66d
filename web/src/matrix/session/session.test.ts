import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MEGOLM } from "../guard/decisions";
import { openNewDevice, openWithIdentity, until } from "../testing/clients";
import { TestServer } from "../testing/server";
import type { TimelineState } from "../types";
import type { OpenSession } from "./session";

const CLAIRE = "@claire:server.test";
const SAMIR = "@samir:server.test";
const ENCRYPTION = { algorithm: MEGOLM };

let server: TestServer;
let sessions: OpenSession[];

async function open(userId: string, deviceId: string, onLoggedOut?: (soft: boolean) => void): Promise<OpenSession> {
  const session = await openWithIdentity(server, userId, deviceId, onLoggedOut);
  sessions.push(session);
  return session;
}

function last(state: TimelineState) {
  return state.items.at(-1);
}

beforeEach(() => {
  server = new TestServer();
  sessions = [];
});

afterEach(async () => {
  await Promise.all(sessions.map((session) => session.close()));
});

describe("the conversation list", { timeout: 30_000 }, () => {
  it("changes only the row that something happened to, and moves it to the top", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    server.device(SAMIR, "SAMIR1");
    for (let room = 0; room < 50; room += 1) server.room(`!room${room}`, [CLAIRE, SAMIR], ENCRYPTION);
    const before = await until(claire.rooms.list, (list) => list.rooms.length === 50);
    server.inject("!room7", SAMIR, "m.room.name", { name: "Budget" }, "");
    const after = await until(claire.rooms.list, (list) => list.rooms.some((row) => row.name === "Budget"));
    const unchanged = new Set(before.rooms);
    expect(after.rooms.filter((row) => !unchanged.has(row)).map((row) => row.roomId)).toEqual(["!room7"]);
  });

  it("shows who wrote last and what, readable on this device only", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    server.room("!a", [CLAIRE, SAMIR], ENCRYPTION);
    await until(samir.rooms.list, (list) => list.rooms.length === 1);
    samir.timeline("!a").state.subscribe(() => undefined);
    await samir.timeline("!a").sendText("à demain");
    const list = await until(claire.rooms.list, (state) => state.rooms[0]?.preview?.content.kind === "text");
    expect(list.rooms[0]?.preview).toMatchObject({ mine: false, content: { text: "à demain" }, sender: { userId: SAMIR } });
    expect(JSON.stringify(server.seen)).not.toContain("à demain");
  });
});

describe("a message that could not be sent", { timeout: 30_000 }, () => {
  it("stays, says so, and goes out under the same key when tried again", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const samir = await open(SAMIR, "SAMIR1");
    server.room("!a", [CLAIRE, SAMIR], ENCRYPTION);
    const at = claire.timeline("!a");
    const to = samir.timeline("!a");
    at.state.subscribe(() => undefined);
    to.state.subscribe(() => undefined);
    await until(claire.rooms.list, (list) => list.rooms.length === 1);

    server.refuseEvents = true;
    await at.sendText("à renvoyer");
    const failed = await until(at.state, (state) => last(state)?.send.status === "failed");
    const key = last(failed)?.key ?? "";
    expect(last(failed)).toMatchObject({ eventId: null, mine: true, send: { failure: { kind: "forbidden" } } });
    expect(await claire.lossOnSignOut()).toMatchObject({ unsentMessages: 1, lastDevice: true });

    server.refuseEvents = false;
    await at.retry(key);
    const sent = await until(at.state, (state) => last(state)?.send.status === "sent" && last(state)?.eventId !== null);
    expect(last(sent)?.key).toBe(key);
    expect(last(sent)?.body).toMatchObject({ text: "à renvoyer" });
    await until(to.state, (state) => state.items.some((item) => item.body.kind === "text"));
    expect((await claire.lossOnSignOut()).unsentMessages).toBe(0);
  });

  it("goes away when given up", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    server.room("!a", [CLAIRE], ENCRYPTION);
    const at = claire.timeline("!a");
    at.state.subscribe(() => undefined);
    await until(claire.rooms.list, (list) => list.rooms.length === 1);
    server.refuseEvents = true;
    await at.sendText("finalement non");
    const failed = await until(at.state, (state) => last(state)?.send.status === "failed");
    await at.discard(last(failed)?.key ?? "");
    await until(at.state, (state) => state.items.every((item) => item.send.status === "sent"));
    expect((await claire.lossOnSignOut()).unsentMessages).toBe(0);
  });
});

describe("a device removed elsewhere", { timeout: 30_000 }, () => {
  it("hears that its session is over", async () => {
    let soft: boolean | null = null;
    const heard = new Promise<void>((resolve) => {
      void open(CLAIRE, "CLAIRE1", (isSoft) => {
        soft = isSoft;
        resolve();
      }).then(() => server.revoke(CLAIRE, "CLAIRE1"));
    });
    await heard;
    expect(soft).toBe(false);
  });
});

describe("a recovery code", { timeout: 30_000 }, () => {
  it("opens the account on a new device; a wrong one does not", async () => {
    const claire = await open(CLAIRE, "CLAIRE1");
    const code = claire.security.createRecoveryCode("fr");
    await claire.security.changeRecoveryCode(code);
    const second = await openNewDevice(server, CLAIRE, "CLAIRE2");
    sessions.push(second);
    const state = await until(second.security.state, (value) => value.status === "needs-recovery");
    expect(state).toMatchObject({ otherDevice: true, recoveryCode: true });
    const wrong = second.security.createRecoveryCode("fr");
    await expect(second.security.recover(wrong)).rejects.toMatchObject({ info: { kind: "recovery-code-wrong" } });
    await expect(second.security.recover("onze mots")).rejects.toMatchObject({ info: { kind: "recovery-code-malformed" } });
    expect(second.security.state.getSnapshot().status).toBe("needs-recovery");
    await second.security.recover(code.toUpperCase());
    expect(second.security.state.getSnapshot()).toMatchObject({ status: "ready", recoveryCode: true });
  });
});
