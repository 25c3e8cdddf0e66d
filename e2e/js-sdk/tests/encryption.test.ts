import { MsgType, RelationType } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { everythingIsBackedUp, setUpIdentity, takeIdentity } from "../support/identity.ts";
import { PASSWORD, Person } from "../support/person.ts";
import { SecretKeys } from "../support/secret-keys.ts";

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("nobody could read what was sent to them in secret, on any of their devices", async () => {
  const claire = await Person.signUp(server, "claire.secret", { encryption: true });
  const samir = await Person.signUp(server, "samir.secret", { encryption: true });
  const phone = await samir.onAnotherDevice({ encryption: true });
  const roomId = await claire.talksWith([samir], { encrypted: true });

  const question = await claire.says(roomId, "Le dossier est-il signé ?");
  expect(await samir.reads(roomId, question)).toBe("Le dossier est-il signé ?");
  expect(await phone.reads(roomId, question)).toBe("Le dossier est-il signé ?");
  const answer = await phone.says(roomId, "Signé ce matin.");
  expect(await claire.reads(roomId, answer)).toBe("Signé ce matin.");
  expect(await samir.reads(roomId, answer)).toBe("Signé ce matin.");
  // The server has nothing readable of it.
  const kept = await claire.client.fetchRoomEvent(roomId, question);
  expect(kept.type).toBe("m.room.encrypted");
  expect(JSON.stringify(kept)).not.toContain("dossier");
});

test("a third colleague would not read what is said after they came, or would read what was said before", async () => {
  const claire = await Person.signUp(server, "claire.third", { encryption: true });
  const samir = await Person.signUp(server, "samir.third", { encryption: true });
  const awa = await Person.signUp(server, "awa.third", { encryption: true });
  const roomId = await claire.talksWith([samir], { encrypted: true });
  const before = await claire.says(roomId, "Avant Awa");
  await samir.reads(roomId, before);

  await claire.client.invite(roomId, awa.userId);
  await awa.accepts(roomId);
  await samir.until("Awa in the room", () => samir.room(roomId).getMember(awa.userId)?.membership === "join");
  const after = await samir.says(roomId, "Bienvenue");
  expect(await awa.reads(roomId, after)).toBe("Bienvenue");
  const old = awa.room(roomId).findEventById(before);
  expect(old?.getContent()["body"] ?? "").not.toContain("Avant Awa");
});

test("somebody's identity and messages would be lost with the device that made them", async () => {
  const claire = await Person.signUp(server, "claire.backup", { encryption: true });
  const samir = await Person.signUp(server, "samir.backup", { encryption: true });
  await setUpIdentity(claire);
  expect(await claire.crypto.isCrossSigningReady()).toBe(true);
  expect(await claire.crypto.isSecretStorageReady()).toBe(true);
  const roomId = await samir.talksWith([claire], { encrypted: true });
  const old = await samir.says(roomId, "À garder longtemps");
  await claire.reads(roomId, old);
  await everythingIsBackedUp(claire, 1);
  await claire.signsOut();

  const keys = SecretKeys.typed(claire.keys.recoveryKey);
  const later = await claire.onAnotherDevice({ encryption: true, keys });
  await takeIdentity(later);
  await later.until("the signature on the new device", async () => {
    const status = await later.crypto.getDeviceVerificationStatus(later.userId, later.deviceId);
    return status?.crossSigningVerified;
  });
  await later.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  expect(await later.crypto.checkKeyBackupAndEnable()).not.toBeNull();
  const restored = await later.crypto.restoreKeyBackup();
  expect(restored).toMatchObject({ total: 1, imported: 1 });
  expect(await later.reads(roomId, old)).toBe("À garder longtemps");
  // What is written from now on is read here and backed up as well.
  const fresh = await samir.says(roomId, "Et la suite");
  expect(await later.reads(roomId, fresh)).toBe("Et la suite");
});

test("a new device would ask for every message key at once instead of those that it shows", async () => {
  const claire = await Person.signUp(server, "claire.lazy", { encryption: true });
  const samir = await Person.signUp(server, "samir.lazy", { encryption: true });
  await setUpIdentity(claire);
  const roomId = await samir.talksWith([claire], { encrypted: true });
  const old = await samir.says(roomId, "Pièce jointe vue");
  await claire.reads(roomId, old);
  await everythingIsBackedUp(claire, 1);
  await claire.signsOut();

  const keys = SecretKeys.typed(claire.keys.recoveryKey);
  const later = await claire.onAnotherDevice({ encryption: true, keys });
  await takeIdentity(later);
  await later.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  await later.crypto.checkKeyBackupAndEnable();
  // The app asks for the key of what it shows by itself.
  expect(await later.reads(roomId, old)).toBe("Pièce jointe vue");
});

test("who lost everything could not start anew, or somebody at an open computer could take their place", async () => {
  const claire = await Person.signUp(server, "claire.reset", { encryption: true });
  await setUpIdentity(claire);
  const before = await claire.crypto.getCrossSigningKeyId();

  const refused = claire.crypto.resetEncryption(async (upload) => upload(null));
  await expect(refused).rejects.toMatchObject({ httpStatus: 401 });
  await claire.crypto.resetEncryption(async (upload) => {
    const session = await upload(null).then(
      () => undefined,
      (error) => error.data.session,
    );
    return upload({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: claire.userId },
      password: PASSWORD,
      session,
    });
  });
  const after = await claire.crypto.getCrossSigningKeyId();
  expect(after).not.toBe(before);
  expect(after).not.toBeNull();
});

test("an edited or removed secret would stay as it was", async () => {
  const claire = await Person.signUp(server, "claire.edits.secret", { encryption: true });
  const samir = await Person.signUp(server, "samir.edits.secret", { encryption: true });
  const roomId = await claire.talksWith([samir], { encrypted: true });
  const eventId = await claire.says(roomId, "Code 1234");
  const event = await samir.sees(roomId, eventId);
  await claire.client.sendMessage(roomId, {
    msgtype: MsgType.Text,
    body: "* Code changé",
    "m.new_content": { msgtype: MsgType.Text, body: "Code changé" },
    "m.relates_to": { rel_type: RelationType.Replace, event_id: eventId },
  });
  await samir.until("the correction", () => event.getContent()["body"] === "Code changé");
  await claire.client.redactEvent(roomId, eventId);
  await samir.until("the removal", () => event.isRedacted());
  expect(event.getContent()).toEqual({});
});
