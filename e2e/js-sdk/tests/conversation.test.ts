import {
  EventType,
  MsgType,
  NotificationCountType,
  Preset,
  PushRuleActionName,
  PushRuleKind,
  ReceiptType,
  RelationType,
  TweakName,
  Visibility,
} from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { Person } from "../support/person.ts";

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("two colleagues could not talk: invitation, joining and messages both ways", async () => {
  const claire = await Person.signUp(server, "claire.martin");
  const samir = await Person.signUp(server, "samir.benali");
  const roomId = await claire.talksWith([samir]);

  const question = await claire.says(roomId, "Point de situation à 10 h ?");
  expect(await samir.reads(roomId, question)).toBe("Point de situation à 10 h ?");
  const answer = await samir.says(roomId, "J’y serai.");
  expect(await claire.reads(roomId, answer)).toBe("J’y serai.");
  // Each has what they sent once: what showed at once became the message.
  await samir.sees(roomId, answer);
  expect(texts(claire, roomId)).toEqual(["Point de situation à 10 h ?", "J’y serai."]);
  expect(texts(samir, roomId)).toEqual(["Point de situation à 10 h ?", "J’y serai."]);
});

test("somebody invited could not say no, and somebody who left would still get what is said", async () => {
  const claire = await Person.signUp(server, "claire.leaves");
  const samir = await Person.signUp(server, "samir.leaves");
  const awa = await Person.signUp(server, "awa.leaves");
  const roomId = await claire.talksWith([samir]);

  await claire.client.invite(roomId, awa.userId);
  await awa.until("an invitation", () => awa.client.getRoom(roomId)?.getMyMembership() === "invite");
  await awa.client.leave(roomId);
  await claire.until("the refusal", () => membership(claire, roomId, awa) === "leave");

  await samir.client.leave(roomId);
  await samir.until("the end", () => samir.client.getRoom(roomId)?.getMyMembership() === "leave");
  await claire.until("the leave", () => membership(claire, roomId, samir) === "leave");
  const secret = await claire.says(roomId, "Entre nous");
  await claire.sees(roomId, secret);
  await expect(samir.client.fetchRoomEvent(roomId, secret)).rejects.toMatchObject({ errcode: "M_NOT_FOUND" });
});

test("a corrected message would keep its mistake", async () => {
  const { claire, samir, roomId } = await conversation("edits");
  const eventId = await claire.says(roomId, "Rendez-vous mardi");
  await samir.reads(roomId, eventId);

  await claire.client.sendMessage(roomId, {
    msgtype: MsgType.Text,
    body: "* Rendez-vous mercredi",
    "m.new_content": { msgtype: MsgType.Text, body: "Rendez-vous mercredi" },
    "m.relates_to": { rel_type: RelationType.Replace, event_id: eventId },
  });
  const event = await samir.sees(roomId, eventId);
  await samir.until("the correction", () => event.replacingEvent());
  expect(event.getContent()["body"]).toBe("Rendez-vous mercredi");

  // Who comes later sees it corrected from the start.
  const later = await samir.onAnotherDevice({ initialSyncLimit: 50 });
  expect(await later.reads(roomId, eventId)).toBe("Rendez-vous mercredi");
});

test("a reaction would not be seen, or not go away again", async () => {
  const { claire, samir, roomId } = await conversation("reactions");
  const eventId = await claire.says(roomId, "La note est partie");
  await samir.sees(roomId, eventId);

  const { event_id: reaction } = await samir.client.sendEvent(roomId, EventType.Reaction, {
    "m.relates_to": { rel_type: RelationType.Annotation, event_id: eventId, key: "👍" },
  });
  await claire.until("the reaction", () => reactionsTo(claire, roomId, eventId).get("👍") === 1);
  await samir.client.redactEvent(roomId, reaction);
  await claire.until("no reaction", () => reactionsTo(claire, roomId, eventId).size === 0);
});

test("what somebody took back would stay readable", async () => {
  const { claire, samir, roomId } = await conversation("redactions");
  const eventId = await claire.says(roomId, "Envoyé au mauvais endroit");
  const event = await samir.sees(roomId, eventId);

  await claire.client.redactEvent(roomId, eventId, undefined, { reason: "mauvais endroit" });
  await samir.until("the removal", () => event.isRedacted());
  expect(event.getContent()).toEqual({});
  const asked = await samir.client.fetchRoomEvent(roomId, eventId);
  expect(asked.content).toEqual({});
  expect(asked.unsigned?.redacted_because?.content).toMatchObject({ reason: "mauvais endroit" });
});

test("answers in a thread would be lost among the others, their count wrong on a new device", async () => {
  const { claire, samir, roomId } = await conversation("threads");
  const root = await claire.says(roomId, "Qui prend la permanence ?");
  await samir.sees(roomId, root);

  const { event_id: first } = await samir.client.sendTextMessage(roomId, root, "Moi lundi");
  const thread = await claire.until("the thread", () => claire.room(roomId).getThread(root));
  await claire.until("one answer", () => thread.length === 1 && thread.replyToEvent?.getId() === first);
  const { event_id: second } = await claire.client.sendTextMessage(roomId, root, "Alors moi mardi");
  await samir.until("both answers", () => {
    const seen = samir.room(roomId).getThread(root);
    return seen?.length === 2 && seen.replyToEvent?.getId() === second;
  });
  // The main conversation has only the root.
  expect(texts(samir, roomId)).toEqual(["Qui prend la permanence ?"]);

  const later = await samir.onAnotherDevice();
  const found = await later.until("the thread", () => later.room(roomId).getThread(root));
  await later.until("both answers", () => found.length === 2 && found.replyToEvent?.getId() === second);
  await later.room(roomId).createThreadsTimelineSets();
  await later.room(roomId).fetchRoomThreads();
  expect(later.room(roomId).getThreads()).toHaveLength(1);
});

test("a badge would count what was read, or not what is new", async () => {
  const { claire, samir, roomId } = await conversation("receipts");
  const phone = await samir.onAnotherDevice();
  await samir.client.setDisplayName("Samir Benali");
  await claire.says(roomId, "Un");
  const last = await claire.says(roomId, "Deux");
  await samir.until("two unread", () => unread(samir, roomId) === 2);
  await phone.until("two unread", () => unread(phone, roomId) === 2);

  const event = await samir.sees(roomId, last);
  await samir.client.sendReadReceipt(event);
  await samir.until("nothing unread", () => unread(samir, roomId) === 0);
  await phone.until("nothing unread on the phone", () => unread(phone, roomId) === 0);
  await claire.until("the tick", () => claire.room(roomId).hasUserReadEvent(samir.userId, last));

  const mention = await claire.client.sendMessage(roomId, {
    msgtype: MsgType.Text,
    body: "Samir, tu confirmes ?",
    "m.mentions": { user_ids: [samir.userId] },
  });
  await samir.until(
    "a mention",
    () => samir.room(roomId).getUnreadNotificationCount(NotificationCountType.Highlight) === 1,
  );
  // Read without telling the others.
  await samir.client.sendReadReceipt(await samir.sees(roomId, mention.event_id), ReceiptType.ReadPrivate);
  await phone.until("nothing unread on the phone", () => unread(phone, roomId) === 0);
  expect(claire.room(roomId).hasUserReadEvent(samir.userId, mention.event_id)).toBe(false);
});

test("what is unread in a thread would be counted in the conversation", async () => {
  const { claire, samir, roomId } = await conversation("thread-receipts");
  const root = await claire.says(roomId, "Ordre du jour");
  await samir.client.sendReadReceipt(await samir.sees(roomId, root));
  await samir.until("nothing unread", () => unread(samir, roomId) === 0);

  const { event_id: answer } = await claire.client.sendTextMessage(roomId, root, "Point 1 : budget");
  await samir.until(
    "one unread in the thread",
    () => samir.room(roomId).getThreadUnreadNotificationCount(root, NotificationCountType.Total) === 1,
  );
  expect(samir.room(roomId).getRoomUnreadNotificationCount(NotificationCountType.Total)).toBe(0);
  await samir.client.sendReadReceipt(await samir.sees(roomId, answer));
  await samir.until(
    "nothing unread in the thread",
    () => samir.room(roomId).getThreadUnreadNotificationCount(root, NotificationCountType.Total) === 0,
  );
});

test("nobody would see that somebody is writing", async () => {
  const { claire, samir, roomId } = await conversation("typing");
  await claire.client.sendTyping(roomId, true, 30_000);
  await samir.until("the dots", () => samir.room(roomId).getMember(claire.userId)?.typing);
  await claire.client.sendTyping(roomId, false, 30_000);
  await samir.until("no dots", () => samir.room(roomId).getMember(claire.userId)?.typing === false);
});

test("a room's name, subject and rules would not reach those in it, or anybody could change them", async () => {
  const { claire, samir, roomId } = await conversation("state");
  await claire.client.setRoomName(roomId, "Cellule de crise");
  await claire.client.setRoomTopic(roomId, "Inondations du 22 novembre");
  await samir.until("the name", () => samir.room(roomId).name === "Cellule de crise");
  await samir.until("the subject", () => stateOf(samir, roomId, EventType.RoomTopic)?.["topic"]);
  expect(stateOf(samir, roomId, EventType.RoomTopic)?.["topic"]).toBe("Inondations du 22 novembre");

  const awa = await Person.signUp(server, "awa.state");
  await claire.client.invite(roomId, awa.userId);
  await awa.accepts(roomId);
  await expect(awa.client.setRoomName(roomId, "À moi")).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
  await claire.client.setPowerLevel(roomId, awa.userId, 50);
  await awa.until("the right", () =>
    awa.room(roomId).currentState.maySendStateEvent("m.room.name", awa.userId),
  );
  await awa.client.setRoomName(roomId, "Cellule de crise, jour 2");
  await samir.until("the new name", () => samir.room(roomId).name === "Cellule de crise, jour 2");

  await claire.client.kick(roomId, awa.userId, "fin de mission");
  await awa.until("the end", () => awa.client.getRoom(roomId)?.getMyMembership() === "leave");
  await samir.until("the removal", () => membership(samir, roomId, awa) === "leave");
});

test("a muted conversation would go on ringing, and on the phone too", async () => {
  const { claire, samir, roomId } = await conversation("push-rules");
  const phone = await samir.onAnotherDevice();
  await samir.client.addPushRule("global", PushRuleKind.RoomSpecific, roomId, { actions: [] });
  await phone.until("the rule", () => phone.client.getRoomPushRule("global", roomId));

  const quiet = await claire.says(roomId, "Rien d’urgent");
  await samir.sees(roomId, quiet);
  expect(unread(samir, roomId)).toBe(0);

  await samir.client.deletePushRule("global", PushRuleKind.RoomSpecific, roomId);
  await phone.until("no rule", () => phone.client.getRoomPushRule("global", roomId) === undefined);
  const word = "préfecture";
  await samir.client.addPushRule("global", PushRuleKind.ContentSpecific, word, {
    pattern: word,
    actions: [PushRuleActionName.Notify, { set_tweak: TweakName.Highlight, value: true }],
  });
  await claire.says(roomId, "Appel de la Préfecture");
  await samir.until(
    "the word",
    () => samir.room(roomId).getUnreadNotificationCount(NotificationCountType.Highlight) === 1,
  );
});

test("names, settings and favourites would stay on one device", async () => {
  const { claire, samir, roomId } = await conversation("account-data");
  const phone = await samir.onAnotherDevice();
  await samir.client.setRoomTag(roomId, "m.favourite", { order: 0.5 });
  await phone.until("the favourite", () => phone.room(roomId).tags["m.favourite"]);
  await samir.client.setAccountData(EventType.Direct, { [claire.userId]: [roomId] });
  await phone.until("the setting", () => phone.client.getAccountData(EventType.Direct));
  expect(phone.client.getAccountData(EventType.Direct)?.getContent()).toEqual({ [claire.userId]: [roomId] });

  await samir.client.setDisplayName("Samir Benali");
  await claire.until("the name", () => claire.room(roomId).getMember(samir.userId)?.name === "Samir Benali");
});

test("a room of people known by name could not be found or joined by its address", async () => {
  const claire = await Person.signUp(server, "claire.directory");
  const samir = await Person.signUp(server, "samir.directory");
  const { room_id: roomId } = await claire.client.createRoom({
    preset: Preset.PublicChat,
    room_alias_name: "logement",
    name: "Logement",
  });
  await claire.client.setRoomDirectoryVisibility(roomId, Visibility.Public);
  const { chunk } = await samir.client.publicRooms({ filter: { generic_search_term: "logem" } });
  expect(chunk.map((room) => room.room_id)).toEqual([roomId]);
  await samir.client.joinRoom("#logement:pli.test");
  await samir.until("the room", () => samir.client.getRoom(roomId)?.getMyMembership() === "join");
  expect(samir.room(roomId).name).toBe("Logement");
  const { results } = await samir.client.searchUserDirectory({ term: "claire.directory" });
  expect(results.map(({ user_id }) => user_id)).toContain(claire.userId);
});

/** Two people in a conversation of their own. */
async function conversation(about: string) {
  const claire = await Person.signUp(server, `claire.${about}`);
  const samir = await Person.signUp(server, `samir.${about}`);
  return { claire, samir, roomId: await claire.talksWith([samir]) };
}

function texts(person: Person, roomId: string): string[] {
  const events = person.room(roomId).getLiveTimeline().getEvents();
  return events
    .filter((event) => event.getType() === EventType.RoomMessage)
    .map((event) => event.getContent()["body"]);
}

function membership(person: Person, roomId: string, other: Person): string | undefined {
  return person.room(roomId).getMember(other.userId)?.membership;
}

function stateOf(person: Person, roomId: string, type: string) {
  return person.room(roomId).currentState.getStateEvents(type, "")?.getContent();
}

function unread(person: Person, roomId: string): number {
  return person.room(roomId).getUnreadNotificationCount(NotificationCountType.Total);
}

function reactionsTo(person: Person, roomId: string, eventId: string): Map<string, number> {
  const relations = person
    .room(roomId)
    .relations.getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction);
  const sorted = relations?.getSortedAnnotationsByKey() ?? [];
  return new Map(sorted.filter(([, events]) => events.size > 0).map(([key, events]) => [key, events.size]));
}
