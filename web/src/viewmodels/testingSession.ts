/** A session in memory that does what a test tells it, for the view models that stand around the conversations. */
import type { DevicesActions, SecurityActions, VerificationActions } from "../matrix/api";
import { Failure } from "../matrix/errors";
import { Value } from "../matrix/observable";
import type { Device, DevicesState, RestoreProgress, SecurityState, VerificationFlow } from "../matrix/types";
import { lea } from "./testing";

/** The words of the first code; later ones end in their number. */
export const firstWords = "lavande rocher tunnel givre compas merle bocal phare tilleul cadran orage ficelle";

/** Security whose server is this object. */
export class TestSecurity implements SecurityActions {
  readonly state = new Value<SecurityState>({ status: "checking" });
  readonly restore = new Value<RestoreProgress>({ status: "idle" });
  /** Codes that the account was locked with, the last one counts. */
  readonly codes: string[] = [];
  /** The server wants this password at the first set-up and the reset. */
  password: string | null = null;
  /** The next action fails with this. */
  failNext: Failure | null = null;
  #made = 0;

  createRecoveryCode(): string {
    this.#made += 1;
    return this.#made === 1 ? firstWords : firstWords.replace("ficelle", `ficelle${this.#made}`);
  }

  async setUp({ recoveryCode, password }: { recoveryCode: string; password?: string }): Promise<void> {
    this.#confirm(password);
    this.#lock(recoveryCode);
  }

  async reset({ recoveryCode, password }: { recoveryCode: string; password: string }): Promise<void> {
    this.#confirm(password);
    this.#lock(recoveryCode);
  }

  async asksPassword(): Promise<boolean> {
    return this.password !== null;
  }

  async changeRecoveryCode(recoveryCode: string): Promise<void> {
    this.#failIfTold();
    this.#lock(recoveryCode);
  }

  async recover(recoveryCode: string): Promise<void> {
    this.#failIfTold();
    if (recoveryCode.split(" ").length !== 12) throw new Failure("recovery-code-malformed", { wordIndex: 1 });
    if (recoveryCode !== this.codes.at(-1)) throw new Failure("recovery-code-wrong");
    this.restore.set({ status: "fetching" });
    this.state.set({ status: "ready", backup: true, recoveryCode: true });
  }

  async restoreHistory(): Promise<void> {
    this.restore.set({ status: "fetching" });
  }

  async retry(): Promise<void> {
    this.state.set({ status: "needs-setup" });
  }

  #confirm(password: string | undefined): void {
    this.#failIfTold();
    if (this.password === null) return;
    if (password === undefined) throw new Failure("password-needed");
    if (password !== this.password) throw new Failure("wrong-password");
  }

  #lock(recoveryCode: string): void {
    this.codes.push(recoveryCode);
    this.state.set({ status: "ready", backup: true, recoveryCode: true });
  }

  #failIfTold(): void {
    const failure = this.failNext;
    this.failNext = null;
    if (failure) throw failure;
  }
}

/** Verifications that go where a test moves them. */
export class TestVerification implements VerificationActions {
  readonly flows = new Value<readonly VerificationFlow[]>([]);
  readonly calls: string[] = [];
  failNext: Failure | null = null;
  #count = 0;

  /** Adds a flow as the Matrix layer would. */
  add(part: Partial<VerificationFlow>): string {
    this.#count += 1;
    const id = `flow${this.#count}`;
    const flow: VerificationFlow = {
      id,
      other: lea,
      self: true,
      deviceName: "Firefox, Windows",
      startedByMe: false,
      step: { status: "requested" },
      ...part,
    };
    this.flows.set([...this.flows.getSnapshot(), flow]);
    return id;
  }

  /** Moves a flow on. */
  move(id: string, step: VerificationFlow["step"]): void {
    this.flows.set(this.flows.getSnapshot().map((flow) => (flow.id === id ? { ...flow, step } : flow)));
  }

  async requestOwn(deviceId?: string): Promise<string> {
    this.#note(`requestOwn ${deviceId ?? "any"}`);
    return this.add({ startedByMe: true });
  }

  async requestPerson(userId: string): Promise<string> {
    this.#note(`requestPerson ${userId}`);
    return this.add({ startedByMe: true, self: false });
  }

  async accept(id: string): Promise<void> {
    this.#note(`accept ${id}`);
    this.move(id, { status: "ready" });
  }

  async confirm(id: string): Promise<void> {
    this.#note(`confirm ${id}`);
    this.move(id, { status: "confirming", emojis: [] });
  }

  async mismatch(id: string): Promise<void> {
    this.#note(`mismatch ${id}`);
    this.move(id, { status: "cancelled", reason: "mismatch" });
  }

  async cancel(id: string): Promise<void> {
    this.#note(`cancel ${id}`);
    this.move(id, { status: "cancelled", reason: "by-me" });
  }

  dismiss(id: string): void {
    this.flows.set(this.flows.getSnapshot().filter((flow) => flow.id !== id));
  }

  #note(call: string): void {
    this.calls.push(call);
    const failure = this.failNext;
    this.failNext = null;
    if (failure) throw failure;
  }
}

/** A signed-in device. */
export function device(deviceId: string, part: Partial<Device> = {}): Device {
  return { deviceId, name: `Appareil ${deviceId}`, lastSeen: 0, lastSeenIp: null, current: false, verified: true, ...part };
}

/** Devices that a test put there; removing them takes the password `secret`. */
export class TestDevices implements DevicesActions {
  readonly state: Value<DevicesState>;

  constructor(devices: readonly Device[]) {
    this.state = new Value<DevicesState>({ status: "ready", devices });
  }

  async refresh(): Promise<void> {}

  async rename(deviceId: string, name: string): Promise<void> {
    this.#change((devices) => devices.map((one) => (one.deviceId === deviceId ? { ...one, name } : one)));
  }

  async remove(deviceIds: readonly string[], password?: string): Promise<void> {
    if (password === undefined) throw new Failure("password-needed");
    if (password !== "secret") throw new Failure("wrong-password");
    this.#change((devices) => devices.filter((one) => !deviceIds.includes(one.deviceId)));
  }

  #change(change: (devices: readonly Device[]) => readonly Device[]): void {
    const state = this.state.getSnapshot();
    if (state.status === "ready") this.state.set({ status: "ready", devices: change(state.devices) });
  }
}
