/** What this browser notes about the device that it is, beside the session itself; forgotten with it. */
import type { Environment } from "./environment";

const confirmedKey = "pli.confirmed";
const pendingKey = "pli.recovery-pending";

/** Whether `deviceId` was confirmed when it was last looked at: it opens at once, also without a network. */
export function isConfirmed(environment: Environment, deviceId: string): boolean {
  return environment.readPreference(confirmedKey) === deviceId;
}

/** Notes that `deviceId` is confirmed. */
export function setConfirmed(environment: Environment, deviceId: string): void {
  environment.writePreference(confirmedKey, deviceId);
}

/**
 * Whether a recovery code was made in this browser that nobody has confirmed to have written down:
 * the next start makes another and goes on from there.
 */
export function isRecoveryPending(environment: Environment, deviceId: string): boolean {
  return environment.readPreference(pendingKey) === deviceId;
}

/** Notes that the code of `deviceId` waits for its confirmation, or (null) that none does. */
export function setRecoveryPending(environment: Environment, deviceId: string | null): void {
  environment.writePreference(pendingKey, deviceId);
}

/** After a sign-out: nothing tells any more which device this was. */
export function forgetDevice(environment: Environment): void {
  environment.writePreference(confirmedKey, null);
  environment.writePreference(pendingKey, null);
}
