import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { setUpIdentity, takeIdentity } from "../support/identity.ts";
import { Person } from "../support/person.ts";
import { SecretKeys } from "../support/secret-keys.ts";

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("what is written to somebody who is signed in nowhere could never be read", async () => {
  const claire = await Person.signUp(server, "claire.away", { encryption: true });
  const samir = await Person.signUp(server, "samir.away", { encryption: true });
  // No key backup: the message's key can only come from the device that waits on the server.
  await setUpIdentity(claire, { keyBackup: false });
  expect(await claire.crypto.isDehydrationSupported()).toBe(true);
  await claire.crypto.startDehydration();
  const roomId = await samir.talksWith([claire], { encrypted: true });
  await claire.signsOut();
  const { devices } = await samir.client.downloadKeysForUsers([claire.userId]).then((keys) => ({
    devices: Object.values(keys.device_keys[claire.userId] ?? {}),
  }));
  expect(devices).toHaveLength(1);
  expect(devices[0]).toMatchObject({ dehydrated: true });

  const missed = await samir.says(roomId, "Pendant ton absence");
  const keys = SecretKeys.typed(claire.keys.recoveryKey);
  const back = await claire.onAnotherDevice({ encryption: true, keys });
  await takeIdentity(back);
  await back.crypto.startDehydration();
  expect(await back.reads(roomId, missed)).toBe("Pendant ton absence");

  // The device that waits was replaced: its keys would be known to two.
  const waiting = await samir.client.downloadKeysForUsers([claire.userId]);
  const now = Object.keys(waiting.device_keys[claire.userId] ?? {});
  expect(now).toHaveLength(2);
  expect(now).toContain(back.deviceId);
});
