/**
 * Stands between the making of a room key's messages and their sending.
 *
 * Why here: a check before encryption can be raced, since the SDK asks the
 * server for devices between that check and the sharing of the key. What
 * `shareRoomKey` returns is not sent yet, so an identity that changed before
 * it was made is always seen here.
 */

import type { ToDeviceRequest } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { CryptoApi } from "matrix-js-sdk/lib/crypto-api/index.js";
import { Failure } from "../errors";
import { MAX_ROTATION_MESSAGES, MAX_ROTATION_MS } from "./decisions";
import { olmMachineOf } from "./olm-machine";

/** Throws if no key may go to one of these people. */
export interface RecipientChecks {
  /** From what is known: done for every message, so its cost must not grow with the room. */
  readonly known: (roomId: string, userIds: readonly string[]) => void;
  /** Asks the cryptography about every one of them: done whenever a key is about to go to somebody. */
  readonly fresh: (roomId: string, userIds: readonly string[]) => Promise<void>;
}

/** Puts the checks between the making and the sending of every room key. */
export function guardRoomKeySharing(crypto: CryptoApi, checks: RecipientChecks): void {
  const machine = olmMachineOf(crypto);
  const share = machine.shareRoomKey.bind(machine);
  machine.shareRoomKey = async (roomId, users, settings): Promise<ToDeviceRequest[]> => {
    // `share` consumes its arguments: read them first.
    const room = roomId.toString();
    const userIds = users.map((user) => user.toString());
    // The settings that really apply, whatever the room's state said a moment ago.
    if (settings.rotationPeriodMessages > MAX_ROTATION_MESSAGES || settings.rotationPeriod > MAX_ROTATION_MS * 1000) {
      throw new Failure("encryption-weakened");
    }
    checks.known(room, userIds);
    const requests = await share(roomId, users, settings);
    if (requests.length > 0) {
      try {
        await checks.fresh(room, userIds);
      } catch (error) {
        for (const request of requests) request.free();
        // The key that was made must not be used: the next message gets a fresh one.
        await crypto.forceDiscardSession(room);
        throw error;
      }
    }
    return requests;
  };
}
