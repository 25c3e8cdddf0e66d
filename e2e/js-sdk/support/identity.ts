import { Method } from "matrix-js-sdk";
import {
  CryptoEvent,
  type EmojiMapping,
  type KeyBackupInfo,
  type ShowSasCallbacks,
  VerificationPhase,
  type VerificationRequest,
  VerificationRequestEvent,
  type Verifier,
  VerifierEvent,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Person } from "./person.ts";
import { within } from "./until.ts";

/** Makes what Element Web makes after a sign-up: identity, recovery key and, unless told not to, the key backup. */
export async function setUpIdentity(person: Person, { keyBackup = true } = {}): Promise<void> {
  const { crypto, keys } = person;
  // For the first identity of an account nobody is asked for the password again.
  await crypto.bootstrapCrossSigning({
    authUploadDeviceSigningKeys: async (upload) => upload(null),
  });
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: async () => keys.note(await crypto.createRecoveryKeyFromPassphrase()),
    setupNewKeyBackup: keyBackup,
  });
}

/** Takes the identity out of secret storage, as somebody does who typed the recovery key. */
export async function takeIdentity({ crypto, userId }: Person): Promise<void> {
  // The identity's public part must be known before its private part can be taken in.
  await crypto.userHasCrossSigningKeys(userId, true);
  await crypto.bootstrapCrossSigning({});
}

/** Waits until so many message keys are in the backup: the app takes up to ten seconds of its own for it. */
export async function everythingIsBackedUp(person: Person, count: number): Promise<void> {
  await person.until("everything in the backup", async () => {
    // Not by `getKeyBackupInfo`, which answers from what it knew before.
    const path = "/room_keys/version";
    return (await person.client.http.authedRequest<KeyBackupInfo>(Method.Get, path)).count === count;
  });
}

/** The next request to compare that comes to somebody, answered with yes. */
export async function answersRequest(person: Person): Promise<VerificationRequest> {
  const request = await within(
    "a request to compare",
    new Promise<VerificationRequest>((resolve) => {
      person.client.once(CryptoEvent.VerificationRequestReceived, resolve);
    }),
  );
  await request.accept();
  return request;
}

/** Both compare the pictures and find them the same: `mine` starts. Gives back what each of them saw. */
export async function compareEmoji(
  mine: VerificationRequest,
  theirs: VerificationRequest,
): Promise<[EmojiMapping[], EmojiMapping[]]> {
  await phase(mine, VerificationPhase.Ready);
  const started = phase(theirs, VerificationPhase.Started);
  const verifier = await mine.startVerification("m.sas.v1");
  const [here, there] = await Promise.all([
    shownBy(verifier),
    started.then(() => {
      if (!theirs.verifier) throw new Error("nothing was started");
      return shownBy(theirs.verifier);
    }),
  ]);
  await within("the end of the comparison", Promise.all([here.finish(), there.finish()]));
  return [here.emoji, there.emoji];
}

/** Waits until a request to compare has come so far. */
async function phase(request: VerificationRequest, wanted: VerificationPhase): Promise<void> {
  const arrived = new Promise<void>((resolve, reject) => {
    const look = () => {
      if (request.phase === VerificationPhase.Cancelled) reject(new Error(`${request.cancellationCode}`));
      if (request.phase < wanted) return;
      request.off(VerificationRequestEvent.Change, look);
      resolve();
    };
    request.on(VerificationRequestEvent.Change, look);
    look();
  });
  await within(`phase ${VerificationPhase[wanted]}`, arrived);
}

/** The pictures that one side shows, and what its person does when they are the same. */
async function shownBy(verifier: Verifier) {
  const shown = new Promise<ShowSasCallbacks>((resolve) => {
    const now = verifier.getShowSasCallbacks();
    if (now) resolve(now);
    verifier.once(VerifierEvent.ShowSas, resolve);
  });
  const done = verifier.verify();
  const sas = await within("the pictures", Promise.race([shown, done.then(() => shown)]));
  return {
    emoji: sas.sas.emoji ?? [],
    async finish() {
      await sas.confirm();
      await done;
    },
  };
}
