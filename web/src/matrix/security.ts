/** First run, recovery on a new browser, reset, and the backup of message keys. */
import { Method } from "matrix-js-sdk";
import {
  type CryptoApi,
  CryptoEvent,
  DecryptionKeyDoesNotMatchError,
  decodeRecoveryKey,
  deriveRecoveryKeyFromPassphrase,
  ImportRoomKeyStage,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import type { SecretStorageKeyDescriptionAesV1 } from "matrix-js-sdk/lib/secret-storage.js";
import type { SecurityActions } from "./api";
import { Failure, toFailure } from "./errors";
import { keysNotInBackup } from "./guard/olm-machine";
import { Value } from "./observable";
import { createRecoveryCode, readRecoveryCode } from "./recovery-code";
import type { SessionContext } from "./session/context";
import { asksPassword, confirmed, uiaCallback } from "./session/uia";
import type { RecoveryLanguage, RestoreProgress, SecurityState } from "./types";

/** Derived if the passphrase's description does not say otherwise. */
const DEFAULT_KEY_BITS = 256;

interface StorageKey {
  readonly id: string;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** See {@link SecurityActions}. */
export class Security implements SecurityActions {
  readonly state = new Value<SecurityState>({ status: "checking" });
  readonly restore = new Value<RestoreProgress>({ status: "idle" });
  readonly #context: SessionContext;
  readonly #crypto: CryptoApi;
  #checking: Promise<void> | null = null;
  #checkAgain = false;
  /** An operation is changing identity or storage: half-way states are not shown. */
  #busy = 0;
  /** This device was waiting to be confirmed: once it is, its history must be restored. */
  #owesRestore = false;
  #restoring: Promise<void> | null = null;

  constructor(context: SessionContext) {
    this.#context = context;
    this.#crypto = context.crypto;
    const { client } = context;
    const onOwnChange = () => void this.#check();
    const onUsers = (userIds: string[]) => {
      if (userIds.includes(context.userId)) onOwnChange();
    };
    const onTrust = (userId: string) => {
      if (userId === context.userId) onOwnChange();
    };
    const onBackupKey = () => {
      onOwnChange();
      if (this.#owesRestore && this.#busy === 0) void this.#restoreQuietly();
    };
    client.on(CryptoEvent.KeysChanged, onOwnChange);
    client.on(CryptoEvent.KeyBackupStatus, onOwnChange);
    client.on(CryptoEvent.DevicesUpdated, onUsers);
    client.on(CryptoEvent.UserTrustStatusChanged, onTrust);
    client.on(CryptoEvent.KeyBackupDecryptionKeyCached, onBackupKey);
    context.onClose(() => {
      client.off(CryptoEvent.KeysChanged, onOwnChange);
      client.off(CryptoEvent.KeyBackupStatus, onOwnChange);
      client.off(CryptoEvent.DevicesUpdated, onUsers);
      client.off(CryptoEvent.UserTrustStatusChanged, onTrust);
      client.off(CryptoEvent.KeyBackupDecryptionKeyCached, onBackupKey);
    });
  }

  /** Finds out where the account stands; call once the client runs. */
  async start(): Promise<void> {
    await this.#check();
  }

  retry(): Promise<void> {
    return this.#check();
  }

  createRecoveryCode(language: RecoveryLanguage): string {
    return createRecoveryCode(language);
  }

  // ------------------------------------------------------------ state

  /** One check at a time; a change during a check leads to one more. */
  #check(): Promise<void> {
    if (this.#busy > 0) {
      this.#checkAgain = true;
      return this.#checking ?? Promise.resolve();
    }
    if (this.#checking !== null) {
      this.#checkAgain = true;
      return this.#checking;
    }
    this.#checking = (async () => {
      do {
        this.#checkAgain = false;
        this.#show(
          await this.#determine().catch(
            (error: unknown): SecurityState => ({ status: "failed", failure: toFailure(error).info }),
          ),
        );
      } while (this.#checkAgain && this.#busy === 0);
    })().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  #show(next: SecurityState): void {
    const before = this.state.getSnapshot();
    // A network failure does not take back what was known.
    if (next.status === "failed" && (before.status === "ready" || before.status === "needs-recovery")) return;
    if (next.status === "needs-recovery") this.#owesRestore = true;
    this.#context.guard.setDeviceConfirmed(next.status === "ready");
    if (JSON.stringify(before) === JSON.stringify(next)) return;
    this.state.set(next);
    // What was closed because the backup was: it may open now.
    if (next.status === "ready") this.#context.guard.reader.retryLocked();
  }

  async #determine(): Promise<SecurityState> {
    const { userId } = this.#context;
    if (await this.#isConfirmed()) {
      const recoveryCode = await this.#hasRecoveryCode();
      // The first run was cut short after the identity was made: it is not over.
      if (!recoveryCode) return { status: "needs-setup" };
      return { status: "ready", backup: (await this.#crypto.getActiveSessionBackupVersion()) !== null, recoveryCode };
    }
    if (!(await this.#crypto.userHasCrossSigningKeys(userId, true))) return { status: "needs-setup" };
    // The keys just asked for may have told that this device is confirmed after all.
    if (await this.#isConfirmed()) return this.#determine();
    return {
      status: "needs-recovery",
      otherDevice: await this.#hasOtherConfirmedDevice(),
      recoveryCode: await this.#hasRecoveryCode(),
    };
  }

  async #isConfirmed(): Promise<boolean> {
    const { userId, deviceId } = this.#context;
    const status = await this.#crypto.getDeviceVerificationStatus(userId, deviceId);
    return status?.crossSigningVerified ?? false;
  }

  async #hasOtherConfirmedDevice(): Promise<boolean> {
    const { userId, deviceId } = this.#context;
    const devices = (await this.#crypto.getUserDeviceInfo([userId], true)).get(userId);
    for (const otherId of devices?.keys() ?? []) {
      if (otherId === deviceId) continue;
      const status = await this.#crypto.getDeviceVerificationStatus(userId, otherId);
      if (status?.signedByOwner) return true;
    }
    return false;
  }

  /** True also when it cannot be asked now: nobody should be told to make a second code by mistake. */
  async #hasRecoveryCode(): Promise<boolean> {
    const { client, userId } = this.#context;
    try {
      if (await client.secretStorage.hasKey()) return true;
      // Right after a start the SDK answers from what was saved at the last visit, perhaps before the code was made.
      const path = `/user/${encodeURIComponent(userId)}/account_data/m.secret_storage.default_key`;
      const stored = await client.http.authedRequest<{ key?: unknown }>(Method.Get, path).catch((error: unknown) => {
        if (toFailure(error).kind === "not-found") return null;
        throw error;
      });
      return typeof stored?.key === "string";
    } catch (error) {
      if (this.state.getSnapshot().status === "checking" && toFailure(error).kind !== "network") throw error;
      return true;
    }
  }

  /** Runs an operation that changes identity or storage; the state is determined once at its end. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await work();
    } catch (error) {
      throw toFailure(error);
    } finally {
      this.#busy -= 1;
      await this.#check();
    }
  }

  // ------------------------------------------------------------ first run

  setUp(options: { readonly recoveryCode: string; readonly password?: string }): Promise<void> {
    const { userId, secretKeys, elsewhere } = this.#context;
    const confirmation = { userId, password: options.password, elsewhere: elsewhere.ask };
    return this.#change(() =>
      secretKeys.during(null, async () => {
        const hasIdentity = await this.#crypto.userHasCrossSigningKeys(userId, true);
        if (!hasIdentity) {
          // Keys made in an attempt that failed before the upload are replaced.
          await this.#crypto.bootstrapCrossSigning({
            setupNewCrossSigning: true,
            authUploadDeviceSigningKeys: uiaCallback(confirmation),
          });
        } else if (!(await this.#isConfirmed())) {
          throw new Failure("device-not-confirmed");
        }
        await this.#newSecretStorage(options.recoveryCode);
        this.#owesRestore = false;
      }),
    );
  }

  changeRecoveryCode(recoveryCode: string): Promise<void> {
    return this.#change(() => this.#context.secretKeys.during(null, () => this.#newSecretStorage(recoveryCode)));
  }

  /** Locks identity and backup key by a code; makes the backup if there is none. */
  async #newSecretStorage(recoveryCode: string): Promise<void> {
    const [passphrase] = readRecoveryCode(recoveryCode);
    const hasBackup = (await this.#crypto.checkKeyBackupAndEnable()) !== null;
    const isUsable = hasBackup && (await this.#crypto.getSessionBackupPrivateKey()) !== null;
    await this.#crypto.bootstrapSecretStorage({
      createSecretStorageKey: () => this.#crypto.createRecoveryKeyFromPassphrase(passphrase),
      setupNewSecretStorage: true,
      setupNewKeyBackup: !isUsable,
    });
    await this.#crypto.checkKeyBackupAndEnable();
  }

  // ------------------------------------------------------------ recovery

  async recover(recoveryCode: string): Promise<void> {
    const { userId, secretKeys } = this.#context;
    await this.#change(async () => {
      const key = await this.#openStorage(recoveryCode);
      await secretKeys.during(key, async () => {
        // The identity's public part must be known before its private part can be taken in.
        await this.#crypto.userHasCrossSigningKeys(userId, true);
        await this.#crypto.bootstrapCrossSigning({});
        await this.#openBackup();
      });
    });
    void this.#restoreQuietly();
  }

  /** The key of secret storage that a code opens. */
  async #openStorage(typed: string): Promise<StorageKey> {
    const { client } = this.#context;
    const stored = await client.secretStorage.getKey();
    if (stored === null) throw new Failure("recovery-not-set-up");
    const [id, description] = stored;
    for await (const key of this.#possibleKeys(typed, description)) {
      if (await client.secretStorage.checkKey(key, description)) return { id, key };
    }
    throw new Failure("recovery-code-wrong");
  }

  async *#possibleKeys(typed: string, description: SecretStorageKeyDescriptionAesV1): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const asKey = readRecoveryKey(typed);
    if (asKey !== null) {
      yield asKey;
      return;
    }
    const { passphrase } = description;
    const codes = readRecoveryCode(typed);
    if (passphrase === undefined) return;
    for (const code of codes) {
      yield await deriveRecoveryKeyFromPassphrase(
        code,
        passphrase.salt,
        passphrase.iterations,
        passphrase.bits ?? DEFAULT_KEY_BITS,
      );
    }
  }

  /** Takes the backup's key out of secret storage; makes a new backup if the account has none. */
  async #openBackup(): Promise<void> {
    if ((await this.#crypto.getKeyBackupInfo()) === null) {
      await this.#crypto.resetKeyBackup();
      return;
    }
    try {
      await this.#crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    } catch (error) {
      // The device is confirmed all the same; only the old messages stay closed.
      if (error instanceof DecryptionKeyDoesNotMatchError) {
        this.restore.set({ status: "failed", failure: new Failure("backup-unreadable").info });
        this.#owesRestore = false;
        return;
      }
      throw error;
    }
    await this.#crypto.checkKeyBackupAndEnable();
  }

  async restoreHistory(): Promise<void> {
    await this.#restoreQuietly();
    const progress = this.restore.getSnapshot();
    if (progress.status === "failed") throw new Failure(progress.failure.kind);
  }

  /** Restores with progress; one restore at a time; failures are shown, not thrown. */
  #restoreQuietly(): Promise<void> {
    this.#restoring ??= this.#restoreNow().finally(() => {
      this.#restoring = null;
    });
    return this.#restoring;
  }

  async #restoreNow(): Promise<void> {
    if (this.restore.getSnapshot().status === "failed" && !this.#owesRestore) return;
    this.restore.set({ status: "fetching" });
    try {
      const result = await this.#crypto.restoreKeyBackup({
        progressCallback: (progress) => {
          if (progress.stage !== ImportRoomKeyStage.LoadKeys) return;
          this.restore.set({ status: "restoring", done: progress.successes + progress.failures, total: progress.total });
        },
      });
      this.#owesRestore = false;
      this.restore.set({ status: "done", total: result.total });
    } catch (error) {
      const failure = toFailure(error);
      this.restore.set({
        status: "failed",
        failure: failure.kind === "unknown" ? new Failure("backup-unreadable", {}, error).info : failure.info,
      });
    }
  }

  // ------------------------------------------------------------ reset

  reset(options: { readonly recoveryCode: string; readonly password: string }): Promise<void> {
    const { client, userId, secretKeys, elsewhere } = this.#context;
    const byPassword = { userId, password: options.password };
    const [passphrase] = readRecoveryCode(options.recoveryCode);
    return this.#change(() =>
      secretKeys.during(null, async () => {
        // The reset destroys the old backup before it has the new keys confirmed: be sure of the person first.
        await confirmed({ ...byPassword, elsewhere: elsewhere.ask }, (auth) =>
          client.deleteMultipleDevices([], auth ?? undefined),
        );
        const verified = await this.#context.guard.verifiedPeople();
        await this.#crypto.resetEncryption(uiaCallback({ ...byPassword, elsewhere: elsewhere.askNext }));
        await this.#context.guard.forgetVerifications(verified);
        await this.#crypto.bootstrapSecretStorage({
          createSecretStorageKey: () => this.#crypto.createRecoveryKeyFromPassphrase(passphrase),
          setupNewSecretStorage: true,
        });
        await this.#crypto.checkKeyBackupAndEnable();
        this.#owesRestore = false;
        this.restore.set({ status: "idle" });
      }),
    );
  }

  asksPassword(): Promise<boolean> {
    return asksPassword(() => this.#context.client.deleteMultipleDevices([]));
  }

  // ------------------------------------------------------------ sign-out

  /** Message keys not yet in the backup; all of them if there is none. */
  async keysNotSaved(): Promise<number> {
    if ((await this.#crypto.getActiveSessionBackupVersion()) === null) return (await this.#crypto.exportRoomKeys()).length;
    return keysNotInBackup(this.#crypto);
  }

  /** Whether another confirmed device of mine exists. */
  hasOtherConfirmedDevice(): Promise<boolean> {
    return this.#hasOtherConfirmedDevice();
  }
}

/** A Matrix recovery key (`EsT…`), or null if the text is none. */
function readRecoveryKey(typed: string): Uint8Array<ArrayBuffer> | null {
  const text = typed.replace(/\s/g, "");
  if (!/^Es[1-9A-HJ-NP-Za-km-z]{40,}$/.test(text)) return null;
  try {
    return decodeRecoveryKey(text);
  } catch {
    return null;
  }
}
