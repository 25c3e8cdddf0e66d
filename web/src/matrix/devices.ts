/** The list of my devices. */
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { DevicesActions } from "./api";
import { toFailure } from "./errors";
import { Value } from "./observable";
import type { SessionContext } from "./session/context";
import { confirmed } from "./session/uia";
import type { Device, DevicesState } from "./types";

/** See {@link DevicesActions}. */
export class Devices implements DevicesActions {
  readonly state = new Value<DevicesState>({ status: "loading" });
  readonly #context: SessionContext;
  #latest = 0;

  constructor(context: SessionContext) {
    this.#context = context;
    const onUpdated = (userIds: string[]) => {
      // Nobody has looked at the list yet: nothing to keep up to date.
      if (userIds.includes(context.userId) && this.#latest > 0) void this.refresh();
    };
    context.client.on(CryptoEvent.DevicesUpdated, onUpdated);
    context.onClose(() => context.client.off(CryptoEvent.DevicesUpdated, onUpdated));
  }

  async refresh(): Promise<void> {
    this.#latest += 1;
    const request = this.#latest;
    try {
      const devices = await this.#load();
      if (request === this.#latest) this.state.set({ status: "ready", devices });
    } catch (error) {
      if (request !== this.#latest || this.state.getSnapshot().status === "ready") return;
      this.state.set({ status: "failed", failure: toFailure(error).info });
    }
  }

  async #load(): Promise<readonly Device[]> {
    const { client, crypto, userId, deviceId } = this.#context;
    const { devices } = await client.getDevices();
    const list = await Promise.all(
      devices.map(async (device): Promise<Device> => {
        const status = await crypto.getDeviceVerificationStatus(userId, device.device_id);
        return {
          deviceId: device.device_id,
          name: device.display_name?.trim() || null,
          lastSeen: device.last_seen_ts ?? null,
          lastSeenIp: device.last_seen_ip ?? null,
          current: device.device_id === deviceId,
          verified: status?.crossSigningVerified ?? false,
        };
      }),
    );
    return list.sort((a, b) => Number(b.current) - Number(a.current) || (b.lastSeen ?? 0) - (a.lastSeen ?? 0));
  }

  async rename(deviceId: string, name: string): Promise<void> {
    try {
      await this.#context.client.setDeviceDetails(deviceId, { display_name: name.trim().slice(0, 100) });
    } catch (error) {
      throw toFailure(error);
    }
    await this.refresh();
  }

  async remove(deviceIds: readonly string[], password?: string): Promise<void> {
    const { client, userId, elsewhere } = this.#context;
    const confirmation = { userId, password, elsewhere: elsewhere.ask };
    await confirmed(confirmation, (auth) => client.deleteMultipleDevices([...deviceIds], auth ?? undefined));
    await this.refresh();
  }
}
