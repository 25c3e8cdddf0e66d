import type { DevicesActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Device, DevicesState } from "../matrix/types";
import { ViewModel } from "./ViewModel";

/** A sign-out of other sessions that waits for the password. */
export interface SessionRemoval {
  readonly devices: readonly Device[];
  readonly password: string;
  /** The server wants the password; until it said so, none is asked. */
  readonly passwordAsked: boolean;
  readonly busy: boolean;
  readonly failure: FailureInfo | null;
}

/** A session's name being changed. */
export interface SessionRename {
  readonly device: Device;
  readonly name: string;
  readonly busy: boolean;
  readonly failure: FailureInfo | null;
}

/** The list of sessions and the dialog over it, if any. */
export interface SessionsSnapshot {
  readonly state: DevicesState;
  readonly removal: SessionRemoval | null;
  readonly renaming: SessionRename | null;
}

/** The longest name of a session, in characters. */
export const longestSessionName = 60;

/** Where the account is signed in: rename, sign out. */
export class SessionsViewModel extends ViewModel<SessionsSnapshot> {
  readonly #devices: DevicesActions;

  constructor(devices: DevicesActions) {
    super({ state: devices.state.getSnapshot(), removal: null, renaming: null });
    this.#devices = devices;
    this.own(devices.state.subscribe(() => this.patch({ state: devices.state.getSnapshot() })));
  }

  /** Asks the server again; the state says how it went. */
  async refresh(): Promise<void> {
    await this.#devices.refresh().catch(() => {
      // The state says that it failed.
    });
  }

  startRename(device: Device): void {
    this.patch({ renaming: { device, name: device.name ?? "", busy: false, failure: null } });
  }

  setName(name: string): void {
    const { renaming } = this.getSnapshot();
    if (renaming) this.patch({ renaming: { ...renaming, name: name.slice(0, longestSessionName), failure: null } });
  }

  async saveName(): Promise<void> {
    const { renaming } = this.getSnapshot();
    const name = renaming?.name.trim();
    if (!renaming || renaming.busy || !name) return;
    this.patch({ renaming: { ...renaming, busy: true, failure: null } });
    try {
      await this.#devices.rename(renaming.device.deviceId, name);
      this.patch({ renaming: null });
    } catch (error) {
      this.patch({ renaming: { ...renaming, busy: false, failure: toFailure(error).info } });
    }
  }

  cancelRename(): void {
    this.patch({ renaming: null });
  }

  /** Asks before signing these sessions out. The present one never is: it has its own way out. */
  startRemoval(devices: readonly Device[]): void {
    const others = devices.filter((device) => !device.current);
    if (others.length > 0)
      this.patch({ removal: { devices: others, password: "", passwordAsked: false, busy: false, failure: null } });
  }

  setPassword(password: string): void {
    const { removal } = this.getSnapshot();
    if (removal) this.patch({ removal: { ...removal, password, failure: null } });
  }

  async confirmRemoval(): Promise<void> {
    const { removal } = this.getSnapshot();
    if (!removal || removal.busy || (removal.passwordAsked && removal.password === "")) return;
    this.patch({ removal: { ...removal, busy: true, failure: null } });
    const ids = removal.devices.map((device) => device.deviceId);
    try {
      await this.#devices.remove(ids, removal.password === "" ? undefined : removal.password);
      this.patch({ removal: null });
      await this.refresh();
    } catch (error) {
      const { info } = toFailure(error);
      const aboutPassword = info.kind === "password-needed" || info.kind === "wrong-password";
      this.patch({
        removal: {
          ...removal,
          busy: false,
          password: info.kind === "wrong-password" ? "" : removal.password,
          passwordAsked: removal.passwordAsked || aboutPassword,
          // Being asked for the first time is no mistake, nor is thinking better of it.
          failure: info.kind === "password-needed" || info.kind === "cancelled" ? null : info,
        },
      });
    }
  }

  cancelRemoval(): void {
    this.patch({ removal: null });
  }
}
