import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenSession } from "../session/session";
import { openWithIdentity, until } from "../testing/clients";
import { TestServer } from "../testing/server";
import type { TimelineState } from "../types";
import { MEGOLM } from "./decisions";

const ROOM = "!room";
const CLAIRE = "@claire:server.test";
const SAMIR = "@samir:server.test";

let server: TestServer;
let claire: OpenSession;
let samir: OpenSession;

/** What the one message in the room is shown as. */
function shown({ items }: TimelineState): string | undefined {
  const body = items.at(-1)?.body;
  return body?.kind === "text" ? body.text : body?.kind;
}

beforeEach(async () => {
  server = new TestServer();
  claire = await openWithIdentity(server, CLAIRE, "CLAIRE1");
  samir = await openWithIdentity(server, SAMIR, "SAMIR1");
});

afterEach(async () => {
  await claire.close();
  await samir.close();
});

/** Claire writes to Samir, whose browser has not heard of her yet. */
async function claireWrites(text: string) {
  server.room(ROOM, [CLAIRE, SAMIR], { algorithm: MEGOLM }, SAMIR);
  const details = claire.rooms.details(ROOM);
  details.subscribe(() => undefined);
  await until(details, (details) => details?.gate.state === "open");
  const at = samir.timeline(ROOM);
  at.state.subscribe(() => undefined);
  await claire.timeline(ROOM).sendText(text);
  return at.state;
}

describe("a message from somebody whose devices are not known yet", { timeout: 30_000 }, () => {
  it("is shown: its reader asks for them at once", async () => {
    const state = await claireWrites("bonjour Samir");
    const { items } = await until(state, (state) => shown(state) === "bonjour Samir");
    expect(items.at(-1)).toMatchObject({ mine: false, unproven: false, sender: { userId: CLAIRE } });
  });

  it("is hidden while the server gives no answer, and shown once it does", async () => {
    server.deafTo = SAMIR;
    const state = await claireWrites("bonjour Samir");
    await until(state, (state) => shown(state) === "untrusted");
    server.listenAgain();
    await until(state, (state) => shown(state) === "bonjour Samir");
  });
});
