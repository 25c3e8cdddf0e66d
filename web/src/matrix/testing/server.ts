/**
 * A Matrix server in memory, for tests: just enough of the client-server API
 * for real clients with real cryptography, and dishonest at will. It keeps
 * every request, so that a test can look at all that left a client.
 */

type Json = Record<string, unknown>;

/** A request that reached the server. */
export interface Seen {
  readonly userId: string;
  readonly method: string;
  readonly path: string;
  readonly body: Json;
}

interface Account {
  readonly userId: string;
  readonly devices: Map<string, { keys: Json; oneTime: Map<string, unknown>; fallback: Map<string, unknown> }>;
  masterKey: Json | null;
  selfSigningKey: Json | null;
  userSigningKey: Json | null;
  readonly accountData: Map<string, Json>;
  backup: Json | null;
}

interface Client {
  readonly userId: string;
  readonly deviceId: string;
  /** To be given by the next answers of /sync. */
  readonly toDevice: Json[];
  readonly changed: Set<string>;
  readonly accountData: Json[];
  readonly rooms: Map<string, { state: Json[]; timeline: Json[] }>;
  position: number;
  wake: (() => void) | null;
}

/** See the file's head. */
export class TestServer {
  readonly seen: Seen[] = [];
  readonly #accounts = new Map<string, Account>();
  readonly #clients = new Map<string, Client>();
  readonly #rooms = new Map<string, { events: Json[] }>();
  #next = 1;
  /** Runs in the middle of an answer to /keys/claim: the moment between a client's checks and its sharing of keys. */
  duringClaim: (() => Promise<void> | void) | null = null;
  /** Whose questions for devices get no answer until {@link listenAgain}. */
  deafTo: string | null = null;
  readonly #unheard: (() => void)[] = [];
  /** Refuses every event that is sent to a room. */
  refuseEvents = false;

  /** Makes an account's device; gives its access token. */
  device(
    userId: string,
    deviceId: string,
  ): { readonly userId: string; readonly deviceId: string; readonly accessToken: string; readonly baseUrl: string } {
    if (!this.#accounts.has(userId)) {
      this.#accounts.set(userId, {
        userId,
        devices: new Map(),
        masterKey: null,
        selfSigningKey: null,
        userSigningKey: null,
        accountData: new Map(),
        backup: null,
      });
    }
    const accessToken = `${userId}|${deviceId}`;
    this.#clients.set(accessToken, {
      userId,
      deviceId,
      toDevice: [],
      changed: new Set(),
      accountData: [],
      rooms: new Map(),
      position: 0,
      wake: null,
    });
    return { userId, deviceId, accessToken, baseUrl: "http://server.test" };
  }

  /** Answers all questions for devices, also those of before. */
  listenAgain(): void {
    this.deafTo = null;
    for (const answer of this.#unheard.splice(0)) answer();
  }

  /** Takes a device's access away, as after a removal elsewhere. */
  revoke(userId: string, deviceId: string): void {
    this.#devicesChanged(userId);
    this.#clients.delete(`${userId}|${deviceId}`);
  }

  /** Puts a room with these joined members into everybody's sync; `lazyFor` only hears that they are in it themselves. */
  room(roomId: string, members: readonly string[], encryption: Json | null, lazyFor: string | null = null): void {
    const creator = members[0] ?? "";
    const state = [
      this.#event(roomId, creator, "m.room.create", { room_version: "12" }, ""),
      ...members.map((userId) =>
        this.#event(roomId, userId, "m.room.member", { membership: "join", displayname: userId.slice(1, 6) }, userId),
      ),
      this.#event(roomId, creator, "m.room.power_levels", { users: {}, events_default: 0 }, ""),
      this.#event(roomId, creator, "m.room.history_visibility", { history_visibility: "joined" }, ""),
      ...(encryption === null ? [] : [this.#event(roomId, creator, "m.room.encryption", encryption, "")]),
    ];
    this.#rooms.set(roomId, { events: state });
    for (const client of this.#clients.values()) {
      if (!members.includes(client.userId)) continue;
      const isOfOther = (event: Json) => event["type"] === "m.room.member" && event["state_key"] !== lazyFor;
      const known = client.userId === lazyFor ? state.filter((event) => !isOfOther(event)) : state;
      this.#roomOf(client, roomId).state.push(...known);
    }
    this.#wakeAll();
  }

  /** Puts an event into a room, as anybody, at the server's will. */
  inject(roomId: string, sender: string, type: string, content: Json, stateKey?: string): string {
    const event = this.#event(roomId, sender, type, content, stateKey);
    this.#rooms.get(roomId)?.events.push(event);
    for (const client of this.#clients.values()) this.#roomOf(client, roomId).timeline.push(event);
    this.#wakeAll();
    return String(event["event_id"]);
  }

  /**
   * Replaces an account's identity and devices by those that somebody else made in its name (on
   * another server, with other keys), as a hostile server would.
   */
  impersonate(victim: string, elsewhere: TestServer): void {
    const { masterKey, selfSigningKey, userSigningKey, devices } = elsewhere.#account(victim);
    const account = this.#account(victim);
    Object.assign(account, { masterKey, selfSigningKey, userSigningKey });
    account.devices.clear();
    for (const [deviceId, device] of devices) account.devices.set(deviceId, device);
    this.#devicesChanged(victim);
  }

  /** Adds the devices that somebody else made in an account's name, beside its own, without its signature. */
  addGhostDevices(victim: string, elsewhere: TestServer): void {
    for (const [deviceId, device] of elsewhere.#account(victim).devices) this.#account(victim).devices.set(deviceId, device);
    this.#devicesChanged(victim);
  }

  /** The identity and devices of an account, to be put back later. */
  snapshot(userId: string): () => void {
    const account = this.#account(userId);
    const { masterKey, selfSigningKey, userSigningKey } = account;
    const devices = new Map(account.devices);
    return () => {
      Object.assign(account, { masterKey, selfSigningKey, userSigningKey });
      account.devices.clear();
      for (const [deviceId, device] of devices) account.devices.set(deviceId, device);
      this.#devicesChanged(userId);
    };
  }

  /** The network that clients are given. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? "GET";
    const body = typeof init?.body === "string" && init.body !== "" ? (JSON.parse(init.body) as Json) : {};
    const token = new Headers(init?.headers).get("Authorization")?.replace("Bearer ", "") ?? "";
    const client = this.#clients.get(token);
    // As on a network, nothing is answered in the same turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (client !== undefined) this.seen.push({ userId: client.userId, method, path: url.pathname, body });
    const answer = await this.#answer(client, method, url, body, init?.signal ?? null);
    if (init?.signal?.aborted) throw new DOMException("aborted", "AbortError");
    const status = typeof answer["__status"] === "number" ? answer["__status"] : 200;
    return new Response(JSON.stringify(answer), { status, headers: { "Content-Type": "application/json" } });
  };

  // ------------------------------------------------------------ answers

  async #answer(client: Client | undefined, method: string, url: URL, body: Json, signal: AbortSignal | null): Promise<Json> {
    const path = url.pathname.replace(/^\/_matrix\/client\/(?:v3|v1|unstable|r0)/, "");
    if (url.pathname === "/_matrix/client/versions") return { versions: ["v1.1", "v1.3", "v1.5", "v1.11"] };
    if (client === undefined) return { __status: 401, errcode: "M_UNKNOWN_TOKEN", error: "unknown token", soft_logout: false };
    const account = this.#account(client.userId);
    if (path === "/sync") return this.#sync(client, url, signal);
    if (path === "/keys/upload") return this.#uploadKeys(account, client, body);
    if (path === "/keys/query") {
      if (this.deafTo === client.userId) await new Promise<void>((resolve) => this.#unheard.push(resolve));
      return this.#queryKeys(body);
    }
    if (path === "/keys/claim") return this.#claimKeys(body);
    if (path === "/keys/device_signing/upload") return this.#uploadIdentity(account, body);
    if (path === "/keys/signatures/upload") return this.#uploadSignatures(body);
    if (path === "/keys/changes") return { changed: [], left: [] };
    if (path.startsWith("/sendToDevice/")) return this.#sendToDevice(client, decodeURIComponent(path.split("/")[2] ?? ""), body);
    if (path.includes("/account_data/")) return this.#accountData(account, client, method, path, body);
    if (/^\/user\/[^/]+\/filter/.test(path)) return { filter_id: "1" };
    if (path === "/pushrules/") return { global: {} };
    if (/^\/rooms\/[^/]+\/read_markers$/.test(path)) return {};
    if (path === "/capabilities") return { capabilities: {} };
    if (path.startsWith("/room_keys/")) return this.#backup(account, method, path, body);
    const members = /^\/rooms\/([^/]+)\/members$/.exec(path);
    if (members !== null) return { chunk: this.#stateOf(decodeURIComponent(members[1] ?? ""), "m.room.member") };
    const send = /^\/rooms\/([^/]+)\/send\/([^/]+)\/([^/]+)$/.exec(path);
    if (send !== null) {
      if (this.refuseEvents) return { __status: 403, errcode: "M_FORBIDDEN", error: "not now" };
      const [, roomId = "", type = ""] = send.map((part) => decodeURIComponent(part));
      return { event_id: this.inject(roomId, client.userId, type, body) };
    }
    return notFound();
  }

  async #sync(client: Client, url: URL, signal: AbortSignal | null): Promise<Json> {
    const since = url.searchParams.get("since");
    const hasNews = () =>
      since === null ||
      client.toDevice.length > 0 ||
      client.changed.size > 0 ||
      client.rooms.size > 0 ||
      client.accountData.length > 0;
    if (!hasNews()) {
      await new Promise<void>((resolve) => {
        client.wake = resolve;
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
      client.wake = null;
      if (signal?.aborted) return {};
    }
    client.position += 1;
    if (since === null) {
      client.accountData.splice(0);
      for (const [type, content] of this.#account(client.userId).accountData) client.accountData.push({ type, content });
    }
    const device = this.#account(client.userId).devices.get(client.deviceId);
    const join = Object.fromEntries(
      [...client.rooms].map(([roomId, { state, timeline }]) => [
        roomId,
        { state: { events: state }, timeline: { events: timeline, limited: false, prev_batch: "start" } },
      ]),
    );
    const answer = {
      next_batch: String(client.position),
      to_device: { events: client.toDevice.splice(0) },
      device_lists: { changed: [...client.changed], left: [] },
      device_one_time_keys_count: { signed_curve25519: device?.oneTime.size ?? 0 },
      device_unused_fallback_key_types: [...(device?.fallback.keys() ?? [])].length > 0 ? ["signed_curve25519"] : [],
      account_data: { events: client.accountData.splice(0) },
      rooms: { join },
    };
    client.changed.clear();
    client.rooms.clear();
    return answer;
  }

  #uploadKeys(account: Account, client: Client, body: Json): Json {
    const device = account.devices.get(client.deviceId) ?? { keys: {}, oneTime: new Map(), fallback: new Map() };
    if (body["device_keys"] !== undefined) device.keys = body["device_keys"] as Json;
    for (const [id, key] of Object.entries((body["one_time_keys"] ?? {}) as Json)) device.oneTime.set(id, key);
    for (const [id, key] of Object.entries((body["fallback_keys"] ?? {}) as Json)) device.fallback.set(id, key);
    account.devices.set(client.deviceId, device);
    this.#devicesChanged(account.userId);
    return { one_time_key_counts: { signed_curve25519: device.oneTime.size } };
  }

  #queryKeys(body: Json): Json {
    const asked = Object.keys((body["device_keys"] ?? {}) as Json).filter((userId) => this.#accounts.has(userId));
    const pick = (key: "masterKey" | "selfSigningKey" | "userSigningKey") =>
      Object.fromEntries(
        asked.flatMap((userId) => (this.#account(userId)[key] === null ? [] : [[userId, this.#account(userId)[key]]])),
      );
    return {
      device_keys: Object.fromEntries(
        asked.map((userId) => [
          userId,
          Object.fromEntries([...this.#account(userId).devices].map(([id, { keys }]) => [id, keys])),
        ]),
      ),
      master_keys: pick("masterKey"),
      self_signing_keys: pick("selfSigningKey"),
      user_signing_keys: pick("userSigningKey"),
      failures: {},
    };
  }

  async #claimKeys(body: Json): Promise<Json> {
    await this.duringClaim?.();
    const claimed: Record<string, Record<string, Json>> = {};
    for (const [userId, devices] of Object.entries((body["one_time_keys"] ?? {}) as Record<string, Json>)) {
      for (const deviceId of Object.keys(devices)) {
        const device = this.#accounts.get(userId)?.devices.get(deviceId);
        const [key] = [...(device?.oneTime ?? []), ...(device?.fallback ?? [])];
        if (device === undefined || key === undefined) continue;
        device.oneTime.delete(key[0]);
        claimed[userId] = { ...claimed[userId], [deviceId]: { [key[0]]: key[1] } };
      }
    }
    return { one_time_keys: claimed, failures: {} };
  }

  #uploadIdentity(account: Account, body: Json): Json {
    account.masterKey = (body["master_key"] as Json | undefined) ?? account.masterKey;
    account.selfSigningKey = (body["self_signing_key"] as Json | undefined) ?? account.selfSigningKey;
    account.userSigningKey = (body["user_signing_key"] as Json | undefined) ?? account.userSigningKey;
    this.#devicesChanged(account.userId);
    return {};
  }

  #uploadSignatures(body: Json): Json {
    for (const [userId, objects] of Object.entries(body as Record<string, Record<string, Json>>)) {
      const account = this.#account(userId);
      for (const [id, object] of Object.entries(objects)) {
        const signatures = object["signatures"] as Record<string, Json>;
        const device = account.devices.get(id);
        if (device !== undefined) device.keys = mergeSignatures(device.keys, signatures);
        else if (account.masterKey !== null) account.masterKey = mergeSignatures(account.masterKey, signatures);
      }
      this.#devicesChanged(userId);
    }
    return { failures: {} };
  }

  #sendToDevice(from: Client, type: string, body: Json): Json {
    const messages = (body["messages"] ?? {}) as Record<string, Record<string, Json>>;
    for (const to of this.#clients.values()) {
      const content = messages[to.userId]?.[to.deviceId];
      if (content !== undefined) to.toDevice.push({ type, sender: from.userId, content });
    }
    this.#wakeAll();
    return {};
  }

  /** A backup that holds nothing, of one version: enough for its key to be made, kept and found. */
  #backup(account: Account, method: string, path: string, body: Json): Json {
    if (path === "/room_keys/version" && method === "POST") {
      account.backup = { ...body, version: String(Number(account.backup?.["version"] ?? 0) + 1), count: 0, etag: "0" };
      return { version: account.backup["version"] };
    }
    if (path.startsWith("/room_keys/version") && method === "DELETE") {
      account.backup = null;
      return {};
    }
    if (path.startsWith("/room_keys/version")) return account.backup ?? notFound();
    if (method === "PUT") return { count: 0, etag: "1" };
    return { rooms: {} };
  }

  #accountData(account: Account, client: Client, method: string, path: string, body: Json): Json {
    const type = decodeURIComponent(path.split("/account_data/")[1] ?? "");
    if (method === "GET") return account.accountData.get(type) ?? notFound();
    account.accountData.set(type, body);
    client.accountData.push({ type, content: body });
    this.#wakeAll();
    return {};
  }

  // ------------------------------------------------------------ inside

  #account(userId: string): Account {
    const account = this.#accounts.get(userId);
    if (account === undefined) throw new Error(`no account ${userId}`);
    return account;
  }

  #roomOf(client: Client, roomId: string) {
    const room = client.rooms.get(roomId) ?? { state: [], timeline: [] };
    client.rooms.set(roomId, room);
    return room;
  }

  #stateOf(roomId: string, type: string): Json[] {
    return this.#rooms.get(roomId)?.events.filter((event) => event["type"] === type && event["state_key"] !== undefined) ?? [];
  }

  #event(roomId: string, sender: string, type: string, content: Json, stateKey?: string): Json {
    const id = `$event${this.#next}`;
    this.#next += 1;
    return {
      event_id: id,
      room_id: roomId,
      sender,
      type,
      content,
      origin_server_ts: Date.now(),
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
    };
  }

  #devicesChanged(userId: string): void {
    for (const client of this.#clients.values()) client.changed.add(userId);
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const client of this.#clients.values()) client.wake?.();
  }
}

function mergeSignatures(object: Json, added: Record<string, Json>): Json {
  const signatures = { ...(object["signatures"] as Record<string, Json> | undefined) };
  for (const [userId, keys] of Object.entries(added)) signatures[userId] = { ...signatures[userId], ...keys };
  return { ...object, signatures };
}

function notFound(): Json {
  return { __status: 404, errcode: "M_NOT_FOUND", error: "nothing here" };
}
