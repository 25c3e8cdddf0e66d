import { Direction, EventType, type MatrixEvent, TimelineWindow } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { Person } from "../support/person.ts";

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("old messages would be missing, doubled or in the wrong order for who scrolls up", async () => {
  const claire = await Person.signUp(server, "claire.scrolls");
  const samir = await Person.signUp(server, "samir.scrolls");
  const roomId = await claire.talksWith([samir]);
  const said: string[] = [];
  for (let number = 1; number <= 130; number += 1) {
    const speaker = number % 3 === 0 ? samir : claire;
    said.push(`Message ${number}`);
    await speaker.says(roomId, `Message ${number}`);
  }

  const later = await samir.onAnotherDevice({ initialSyncLimit: 10 });
  expect(texts(later, roomId)).toEqual(said.slice(-10));
  const shown = await openedAt(later, roomId);
  await scrollToEnd(shown, Direction.Backward);
  expect(textsOf(shown.getEvents())).toEqual(said);
  const [first] = shown.getEvents();
  expect(first?.getType()).toBe(EventType.RoomCreate);
});

test("a link to an old message, or a date, would lead nowhere", async () => {
  const claire = await Person.signUp(server, "claire.links");
  const samir = await Person.signUp(server, "samir.links");
  const roomId = await claire.talksWith([samir]);
  const ids: string[] = [];
  for (let number = 1; number <= 60; number += 1) ids.push(await claire.says(roomId, `Ligne ${number}`));

  const later = await samir.onAnotherDevice({ initialSyncLimit: 5 });
  const linked = ids[19] ?? "";
  const shown = await openedAt(later, roomId, linked);
  expect(shown.getEvents().map((event) => event.getId())).toContain(linked);
  expect(textsOf(shown.getEvents())).not.toContain("Ligne 60");
  // From there the person reads on to the present, and back to the beginning.
  await scrollToEnd(shown, Direction.Forward);
  await scrollToEnd(shown, Direction.Backward);
  expect(textsOf(shown.getEvents())).toEqual(ids.map((_, index) => `Ligne ${index + 1}`));

  const event = await later.client.fetchRoomEvent(roomId, linked);
  const found = await later.client.timestampToEvent(roomId, event.origin_server_ts ?? 0, Direction.Forward);
  expect(found.origin_server_ts).toBe(event.origin_server_ts);
});

test("after an hour without network, messages would be missing in between", async () => {
  const claire = await Person.signUp(server, "claire.gap");
  const samir = await Person.signUp(server, "samir.gap");
  const roomId = await claire.talksWith([samir]);
  await samir.reads(roomId, await claire.says(roomId, "Avant le tunnel"));

  samir.client.stopClient();
  const said = ["Avant le tunnel"];
  for (let number = 1; number <= 70; number += 1) {
    said.push(`Pendant ${number}`);
    await claire.says(roomId, `Pendant ${number}`);
  }
  await samir.client.startClient({ threadSupport: true, initialSyncLimit: 20 });
  await samir.until("the newest message", () => texts(samir, roomId).at(-1) === "Pendant 70");
  const shown = await openedAt(samir, roomId);
  await scrollToEnd(shown, Direction.Backward);
  expect(textsOf(shown.getEvents())).toEqual(said);
});

test("nothing said in a clear room could be found again", async () => {
  const claire = await Person.signUp(server, "claire.search");
  const samir = await Person.signUp(server, "samir.search");
  const roomId = await claire.talksWith([samir]);
  await claire.says(roomId, "Le marché public est attribué");
  await claire.says(roomId, "Bonne soirée");
  const results = await samir.client.searchRoomEvents({ term: "marché" });
  expect(results.count).toBe(1);
  expect(results.results[0]?.context.getEvent().getContent()["body"]).toBe("Le marché public est attribué");
});

/** What a conversation shows when it is opened at its newest message, or at one that was linked to. */
async function openedAt(person: Person, roomId: string, eventId?: string): Promise<TimelineWindow> {
  const shown = new TimelineWindow(person.client, person.room(roomId).getUnfilteredTimelineSet());
  await shown.load(eventId, 20);
  return shown;
}

async function scrollToEnd(shown: TimelineWindow, direction: Direction): Promise<void> {
  while (shown.canPaginate(direction)) await shown.paginate(direction, 30);
}

function texts(person: Person, roomId: string): string[] {
  return textsOf(person.room(roomId).getLiveTimeline().getEvents());
}

function textsOf(events: readonly MatrixEvent[]): string[] {
  return events
    .filter((event) => event.getType() === EventType.RoomMessage)
    .map((event) => event.getContent()["body"]);
}
