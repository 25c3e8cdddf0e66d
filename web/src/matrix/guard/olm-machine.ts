/**
 * The one place that reaches into the SDK's private parts. A contract test
 * fails if an upgrade of the SDK moves them.
 */
import type { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { CryptoApi } from "matrix-js-sdk/lib/crypto-api/index.js";
import { Failure } from "../errors";

/** The parts that are used. */
export type MachineParts = Pick<OlmMachine, "shareRoomKey" | "roomKeyCounts">;

/** The cryptography behind the SDK. Throws if it is not where it was: the client must then not start. */
export function olmMachineOf(crypto: CryptoApi): MachineParts {
  const machine = (crypto as unknown as { olmMachine?: Partial<MachineParts> }).olmMachine;
  if (typeof machine?.shareRoomKey !== "function" || typeof machine.roomKeyCounts !== "function") {
    throw new Failure("unknown", {}, new Error("the SDK's olmMachine has moved: adapt guard/olm-machine.ts"));
  }
  return machine as MachineParts;
}

/** Message keys on this device that are not in the backup yet. */
export async function keysNotInBackup(crypto: CryptoApi): Promise<number> {
  const counts = await olmMachineOf(crypto).roomKeyCounts();
  return counts.total - counts.backedUp;
}
