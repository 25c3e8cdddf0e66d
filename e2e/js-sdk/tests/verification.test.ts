import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { answersRequest, compareEmoji, everythingIsBackedUp, setUpIdentity } from "../support/identity.ts";
import { Person } from "../support/person.ts";

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("a new phone could not be confirmed by the computer, nor get its identity and backup from it", async () => {
  const computer = await Person.signUp(server, "claire.devices", { encryption: true });
  const samir = await Person.signUp(server, "samir.devices", { encryption: true });
  await setUpIdentity(computer);
  const roomId = await samir.talksWith([computer], { encrypted: true });
  const old = await samir.says(roomId, "D’avant le téléphone");
  await computer.reads(roomId, old);
  await everythingIsBackedUp(computer, 1);

  const phone = await computer.onAnotherDevice({ encryption: true });
  await phone.crypto.userHasCrossSigningKeys(phone.userId, true);
  expect(await isConfirmed(phone, phone)).toBe(false);
  const answering = answersRequest(computer);
  const mine = await phone.crypto.requestOwnUserVerification();
  const [here, there] = await compareEmoji(mine, await answering);
  expect(here).toHaveLength(7);
  expect(there).toEqual(here);

  await phone.until("the signature on the phone", () => isConfirmed(phone, phone));
  await computer.until("the signature on the computer", () => isConfirmed(computer, phone));
  // The computer hands over the keys of the identity and of the backup.
  await phone.until("the identity's keys", async () => {
    const { privateKeysCachedLocally } = await phone.crypto.getCrossSigningStatus();
    return privateKeysCachedLocally.selfSigningKey && privateKeysCachedLocally.userSigningKey;
  });
  await phone.until("the backup's key", () => phone.crypto.getSessionBackupPrivateKey());
  expect(await phone.reads(roomId, old)).toBe("D’avant le téléphone");
});

test("two colleagues could not be sure of each other", async () => {
  const claire = await Person.signUp(server, "claire.people", { encryption: true });
  const samir = await Person.signUp(server, "samir.people", { encryption: true });
  await Promise.all([setUpIdentity(claire), setUpIdentity(samir)]);
  const roomId = await claire.talksWith([samir], { encrypted: true });
  // Messages make both learn the other's devices and identity.
  await samir.reads(roomId, await claire.says(roomId, "On compare ?"));
  await claire.reads(roomId, await samir.says(roomId, "Allons-y."));
  await claire.crypto.userHasCrossSigningKeys(samir.userId, true);
  await samir.crypto.userHasCrossSigningKeys(claire.userId, true);
  expect(await trusts(claire, samir)).toBe(false);

  const answering = answersRequest(samir);
  const mine = await claire.crypto.requestVerificationDM(samir.userId, roomId);
  const [here, there] = await compareEmoji(mine, await answering);
  expect(here).toHaveLength(7);
  expect(there).toEqual(here);
  await claire.until("Claire's certainty", () => trusts(claire, samir));
  await samir.until("Samir's certainty", () => trusts(samir, claire));
  // Every device that Samir confirms is certain to Claire too.
  expect(await isConfirmed(claire, samir)).toBe(true);
});

test("one who sees other pictures could not stop the comparison", async () => {
  const claire = await Person.signUp(server, "claire.mismatch", { encryption: true });
  await setUpIdentity(claire);
  const phone = await claire.onAnotherDevice({ encryption: true });
  await phone.crypto.userHasCrossSigningKeys(phone.userId, true);
  const answering = answersRequest(claire);
  const mine = await phone.crypto.requestOwnUserVerification();
  const theirs = await answering;
  await theirs.cancel({ reason: "not mine", code: "m.mismatched_sas" });
  await phone.until("the end", () => mine.phase === theirs.phase);
  expect(await isConfirmed(phone, phone)).toBe(false);
});

async function isConfirmed(judge: Person, owner: Person): Promise<boolean> {
  const status = await judge.crypto.getDeviceVerificationStatus(owner.userId, owner.deviceId);
  return status?.crossSigningVerified ?? false;
}

async function trusts(person: Person, other: Person): Promise<boolean> {
  return (await person.crypto.getUserVerificationStatus(other.userId)).isCrossSigningVerified();
}
