import { ConnectionError, EventStatus, SyncState } from "matrix-js-sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { Person } from "../support/person.ts";

let server: PliServer;

beforeEach(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterEach(() => server?.stop());

test("after a power cut everybody would have to sign in again, or miss what was said around it", async () => {
  const claire = await Person.signUp(server, "claire.martin", { encryption: true });
  const samir = await Person.signUp(server, "samir.benali", { encryption: true });
  const roomId = await claire.talksWith([samir], { encrypted: true });
  expect(await samir.reads(roomId, await claire.says(roomId, "Avant la panne"))).toBe("Avant la panne");

  await server.kill();
  await Promise.all([claire, samir].map((person) => stopsSyncing(person)));
  await server.boot();
  for (const { client } of [claire, samir]) client.retryImmediately();
  expect(await samir.reads(roomId, await claire.says(roomId, "Après la panne"))).toBe("Après la panne");
  expect(await claire.reads(roomId, await samir.says(roomId, "Rien de perdu"))).toBe("Rien de perdu");
});

test("a message written while the server is away would be lost, or arrive twice", async () => {
  const claire = await Person.signUp(server, "claire.martin", { encryption: true });
  const samir = await Person.signUp(server, "samir.benali", { encryption: true });
  const roomId = await claire.talksWith([samir], { encrypted: true });
  await samir.reads(roomId, await claire.says(roomId, "Un"));

  await server.kill();
  await stopsSyncing(claire);
  const room = claire.room(roomId);
  // It says so at once, and keeps the message for when its sender tries again.
  await expect(claire.says(roomId, "Deux")).rejects.toBeInstanceOf(ConnectionError);
  const [kept] = room.getPendingEvents();
  if (!kept) throw new Error("the message is not kept");
  expect(kept.status).toBe(EventStatus.NOT_SENT);

  await server.boot();
  for (const { client } of [claire, samir]) client.retryImmediately();
  const { event_id: eventId } = await claire.client.resendEvent(kept, room);
  expect(await samir.reads(roomId, eventId)).toBe("Deux");
  await claire.until("nothing under way", () => room.getPendingEvents().length === 0);
  const texts = samir
    .room(roomId)
    .getLiveTimeline()
    .getEvents()
    .map((event) => event.getContent()["body"])
    .filter(Boolean);
  expect(texts).toEqual(["Un", "Deux"]);
});

/** Waits until the app has seen that the server is away. */
async function stopsSyncing(person: Person): Promise<void> {
  await person.until("the loss", () => {
    const state = person.client.getSyncState();
    return state === SyncState.Reconnecting || state === SyncState.Error;
  });
}
