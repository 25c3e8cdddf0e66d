/**
 * The one place that reaches into the SDK's private parts. A contract test
 * fails if an upgrade of the SDK moves them.
 */
import { type KeysQueryRequest, type OlmMachine, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { CryptoApi } from "matrix-js-sdk/lib/crypto-api/index.js";
import { Failure } from "../errors";

/** The parts that are used. */
export type MachineParts = Pick<OlmMachine, "shareRoomKey" | "roomKeyCounts" | "queryKeysForUsers">;

/** Sends what the cryptography asks for and gives it the answer. */
interface RequestProcessor {
  makeOutgoingRequest(request: KeysQueryRequest): Promise<void>;
}

/** The cryptography behind the SDK. Throws if it is not where it was: the client must then not start. */
export function olmMachineOf(crypto: CryptoApi): MachineParts {
  const machine = (crypto as unknown as { olmMachine?: Partial<MachineParts> }).olmMachine;
  const used = [machine?.shareRoomKey, machine?.roomKeyCounts, machine?.queryKeysForUsers];
  if (used.some((method) => typeof method !== "function")) throw moved("olmMachine");
  return machine as MachineParts;
}

/**
 * Asks the server for somebody's devices and identity, now. The SDK's own `getUserDeviceInfo` leaves
 * the asking about people in encrypted rooms to the end of the next `/sync`, which may be half a
 * minute away, and keeps what it learns of others from the cryptography.
 */
export async function queryDevices(crypto: CryptoApi, userId: string): Promise<void> {
  const request = olmMachineOf(crypto).queryKeysForUsers([new UserId(userId)]);
  const processor = (crypto as unknown as { outgoingRequestProcessor?: RequestProcessor }).outgoingRequestProcessor;
  if (typeof processor?.makeOutgoingRequest !== "function") throw moved("outgoingRequestProcessor");
  await processor.makeOutgoingRequest(request);
}

function moved(part: string): Failure {
  return new Failure("unknown", {}, new Error(`the SDK's ${part} has moved: adapt guard/olm-machine.ts`));
}

/** Message keys on this device that are not in the backup yet. */
export async function keysNotInBackup(crypto: CryptoApi): Promise<number> {
  const counts = await olmMachineOf(crypto).roomKeyCounts();
  return counts.total - counts.backedUp;
}
