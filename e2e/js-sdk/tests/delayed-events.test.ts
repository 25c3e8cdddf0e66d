import { EventType, type MatrixEvent, MsgType, UpdateDelayedEventAction } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { Person } from "../support/person.ts";

const HOUR = 3_600_000;

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("who fell out of a call would stay in it for ever: what was to be sent later is not", async () => {
  const { claire, samir, roomId } = await conversation("later");
  const { delay_id: delayId } = await claire.client._unstable_sendDelayedEvent(
    roomId,
    { delay: 500 },
    null,
    EventType.RoomMessage,
    { msgtype: MsgType.Text, body: "Dans un instant" },
  );
  expect(delayId).toBeTruthy();
  await samir.until("the message", () => textOf(samir, roomId) === "Dans un instant");
});

test("what somebody scheduled could not be seen, put off, called off or sent at once", async () => {
  const { claire, samir, roomId } = await conversation("scheduled");
  const schedule = async (body: string) => {
    const { delay_id: delayId } = await claire.client._unstable_sendDelayedEvent(
      roomId,
      { delay: HOUR },
      null,
      EventType.RoomMessage,
      { msgtype: MsgType.Text, body },
    );
    return delayId;
  };
  const dropped = await schedule("À oublier");
  const wanted = await schedule("À envoyer");
  const waiting = await claire.client._unstable_getDelayedEvent(wanted);
  expect(waiting).toMatchObject({
    delay_id: wanted,
    room_id: roomId,
    type: "m.room.message",
    delay_ms: HOUR,
  });
  expect(waiting.content).toEqual({ msgtype: "m.text", body: "À envoyer" });
  expect(waiting.finalised).toBeUndefined();
  await expect(samir.client._unstable_getDelayedEvent(wanted)).rejects.toMatchObject({ httpStatus: 404 });

  await claire.client._unstable_restartScheduledDelayedEvent(wanted);
  const restarted = await claire.client._unstable_getDelayedEvent(wanted);
  expect(restarted.delayed_since_ts).toBeGreaterThanOrEqual(waiting.delayed_since_ts);
  await claire.client._unstable_cancelScheduledDelayedEvent(dropped);
  expect((await claire.client._unstable_getDelayedEvent(dropped)).finalised?.event_id).toBeUndefined();
  await claire.client._unstable_sendScheduledDelayedEvent(wanted);
  await samir.until("the message", () => textOf(samir, roomId) === "À envoyer");
  const sent = await claire.client._unstable_getDelayedEvent(wanted);
  expect(sent.finalised?.event_id).toBe(newest(samir, roomId)?.getId());
  // Nothing else came.
  expect(texts(samir, roomId)).toEqual(["À envoyer"]);
});

test("a call's own notice of who left could not be prepared as state", async () => {
  const { claire, samir, roomId } = await conversation("state");
  const { delay_id: delayId } = await claire.client._unstable_sendDelayedStateEvent(
    roomId,
    { delay: HOUR },
    EventType.RoomTopic,
    { topic: "Réunion terminée" },
  );
  await claire.client._unstable_updateDelayedEvent(delayId, UpdateDelayedEventAction.Send);
  await samir.until("the subject", () => {
    const topic = samir.room(roomId).currentState.getStateEvents(EventType.RoomTopic, "");
    return topic?.getContent()["topic"] === "Réunion terminée";
  });
});

async function conversation(about: string) {
  const claire = await Person.signUp(server, `claire.${about}`);
  const samir = await Person.signUp(server, `samir.${about}`);
  return { claire, samir, roomId: await claire.talksWith([samir]) };
}

function newest(person: Person, roomId: string): MatrixEvent | undefined {
  return person.room(roomId).getLiveTimeline().getEvents().at(-1);
}

/** The text of the newest event that somebody sees. */
function textOf(person: Person, roomId: string): string | undefined {
  return newest(person, roomId)?.getContent()["body"];
}

function texts(person: Person, roomId: string): string[] {
  const events = person.room(roomId).getLiveTimeline().getEvents();
  return events.map((event) => event.getContent()["body"]).filter(Boolean);
}
