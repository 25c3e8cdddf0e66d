import {
  createClient,
  EventType,
  type ICreateClientOpts,
  type MatrixClient,
  type MatrixEvent,
  PendingEventOrdering,
  Preset,
  type Room,
} from "matrix-js-sdk";
import { onTestFinished } from "vitest";
import type { PliServer } from "../../browser/support/server.ts";
import { SecretKeys } from "./secret-keys.ts";
import { until } from "./until.ts";

export const PASSWORD = "lavande tunnel cadran ficelle";

/** How an app is opened. */
export interface AppOptions {
  /** Without, the app can only read clear rooms. */
  readonly encryption?: boolean;
  /** The keys that are at hand to open what the account locked away. */
  readonly keys?: SecretKeys;
  /** How many messages of each room come with the first sync. */
  readonly initialSyncLimit?: number;
  /** How long a request for news waits for them, in milliseconds. */
  readonly pollTimeout?: number;
}

/** How a client is signed in. */
type Credentials = Pick<
  ICreateClientOpts,
  "userId" | "deviceId" | "accessToken" | "refreshToken" | "oauthClientId" | "onTokenRefresh"
>;

/** Somebody with an app on the SDK, set up as Element Web does it. The app ends with the test. */
export class Person {
  private constructor(
    readonly server: PliServer,
    readonly client: MatrixClient,
    readonly keys: SecretKeys,
  ) {}

  /** Makes an account and opens an app on its first device. */
  static async signUp(server: PliServer, username: string, options: AppOptions = {}): Promise<Person> {
    const account = await createClient({ baseUrl: server.url }).registerRequest({
      username,
      password: PASSWORD,
      auth: { type: "m.login.dummy" },
    });
    if (!account.access_token || !account.device_id) throw new Error("signing up signed nobody in");
    const credentials = {
      userId: account.user_id,
      deviceId: account.device_id,
      accessToken: account.access_token,
    };
    return Person.with(server, credentials, options);
  }

  /** Opens an app with what signing in gave. */
  static async with(server: PliServer, credentials: Credentials, options: AppOptions = {}): Promise<Person> {
    const keys = options.keys ?? new SecretKeys();
    const client = createClient({
      baseUrl: server.url,
      timelineSupport: true,
      cryptoCallbacks: keys.callbacks,
      verificationMethods: ["m.sas.v1"],
      ...credentials,
    });
    onTestFinished(() => client.stopClient());
    const person = new Person(server, client, keys);
    if (options.encryption) await client.initRustCrypto({ useIndexedDB: false });
    const { initialSyncLimit = 20, pollTimeout = 10_000 } = options;
    await client.startClient({
      threadSupport: true,
      pendingEventOrdering: PendingEventOrdering.Detached,
      lazyLoadMembers: true,
      initialSyncLimit,
      pollTimeout,
    });
    await person.until("the first sync", () => client.isInitialSyncComplete());
    return person;
  }

  /** The same person signs in with the password on a device that knows nothing. */
  async onAnotherDevice(options: AppOptions = {}): Promise<Person> {
    const session = await createClient({ baseUrl: this.server.url }).loginRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: this.userId },
      password: PASSWORD,
    });
    const credentials = {
      userId: session.user_id,
      deviceId: session.device_id,
      accessToken: session.access_token,
    };
    return Person.with(this.server, credentials, options);
  }

  get userId(): string {
    return this.client.getSafeUserId();
  }

  get deviceId(): string {
    const deviceId = this.client.getDeviceId();
    if (!deviceId) throw new Error("the app has no device");
    return deviceId;
  }

  get crypto() {
    const crypto = this.client.getCrypto();
    if (!crypto) throw new Error("the app can't encrypt");
    return crypto;
  }

  /** Looks after each piece of news until there is what is looked for. */
  until<T>(what: string, look: () => T | Promise<T>) {
    return until(this.client, what, look);
  }

  /** A room that the app knows. */
  room(roomId: string): Room {
    const room = this.client.getRoom(roomId);
    if (!room) throw new Error(`the app doesn't know ${roomId}`);
    return room;
  }

  /** Makes a conversation that the others are in as soon as this is done; gives back its room. */
  async talksWith(others: readonly Person[], { encrypted = false } = {}): Promise<string> {
    const encryption = {
      type: EventType.RoomEncryption,
      state_key: "",
      content: { algorithm: "m.megolm.v1.aes-sha2" },
    };
    const { room_id: roomId } = await this.client.createRoom({
      preset: Preset.TrustedPrivateChat,
      invite: others.map(({ userId }) => userId),
      is_direct: others.length === 1,
      initial_state: encrypted ? [encryption] : [],
    });
    await Promise.all(others.map((other) => other.accepts(roomId)));
    await this.until("everybody in the room", () => {
      const members = this.client.getRoom(roomId)?.getJoinedMembers() ?? [];
      return others.every(({ userId }) => members.some((member) => member.userId === userId));
    });
    return roomId;
  }

  /** Joins where they were invited. */
  async accepts(roomId: string): Promise<void> {
    await this.until("an invitation", () => this.client.getRoom(roomId)?.getMyMembership() === "invite");
    await this.client.joinRoom(roomId);
    await this.until("the room", () => this.client.getRoom(roomId)?.getMyMembership() === "join");
  }

  /** Sends a message; gives back its id. */
  async says(roomId: string, text: string): Promise<string> {
    const { event_id: eventId } = await this.client.sendTextMessage(roomId, text);
    return eventId;
  }

  /** Waits until an event has come and, if it was encrypted, could be read. */
  async sees(roomId: string, eventId: string): Promise<MatrixEvent> {
    return this.until(`${eventId}, readable,`, () => {
      const event = this.client.getRoom(roomId)?.findEventById(eventId);
      if (!event || event.isBeingDecrypted() || event.isDecryptionFailure()) return undefined;
      return event.getType() === EventType.RoomMessageEncrypted ? undefined : event;
    });
  }

  /** Waits for a message; gives back what it says. */
  async reads(roomId: string, eventId: string): Promise<string> {
    const event = await this.sees(roomId, eventId);
    return event.getContent()["body"];
  }

  /** Signs this device out for good. */
  async signsOut(): Promise<void> {
    await this.client.logout(true);
  }
}
