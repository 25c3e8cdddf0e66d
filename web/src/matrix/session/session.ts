/** Puts an open session together: client, cryptography, guard, and the parts that the interface uses. */
import {
  createClient,
  HttpApiEvent,
  type MatrixClient,
  type MatrixError,
  PendingEventOrdering,
  type User,
  UserEvent,
} from "matrix-js-sdk";
import type { Session, Timeline } from "../api";
import { Devices } from "../devices";
import { Failure, toFailure } from "../errors";
import { Guard } from "../guard/guard";
import { EncryptionLatch } from "../guard/latch";
import { guardedFetch } from "../guard/wire";
import { Media } from "../media/media";
import { Pictures } from "../media/pictures";
import { uploadPublic } from "../media/transfer";
import { Notifications } from "../notifications";
import { Value } from "../observable";
import { People } from "../people";
import { roomNameGenerator } from "../rooms/room-name";
import { Rooms } from "../rooms/rooms";
import { TypingPeople } from "../rooms/typing";
import { Security } from "../security";
import { RoomTimeline } from "../timeline/timeline";
import type { Credentials, Mxc, OwnProfile, RecoveryLanguage, RoomId, SignOutLoss } from "../types";
import { SAS_METHOD, Verifications } from "../verification";
import { watchConnection } from "./connection";
import type { SessionContext } from "./context";
import { ConfirmationsElsewhere } from "./elsewhere";
import { silenceSdk, silentLogger } from "./logger";
import { PersonCache } from "./people-cache";
import { SecretKeys } from "./secret-keys";
import { latchStore, type StoreKind, storeNames, syncStore } from "./stores";
import { TokenKeeper } from "./tokens";
import { confirmed } from "./uia";

/** What a session is opened with. */
export interface OpenOptions {
  readonly credentials: Credentials;
  /** 32 bytes that encrypt the store of message keys; null to keep them in memory. */
  readonly storageKey: Uint8Array<ArrayBuffer> | null;
  readonly stores: StoreKind;
  readonly language: RecoveryLanguage;
  /** The server does not know the token any more; `soft` if signing in again would bring all back. */
  readonly onLoggedOut: (soft: boolean) => void;
  /** Tokens were renewed. */
  readonly onCredentials: (credentials: Credentials) => Promise<void>;
  /** The network; the browser's by default. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Milliseconds before a request (other than the long poll) is given up. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Edge of my picture in pixels: sharp at the largest size that it is shown in, on the densest screens. */
const AVATAR_PX = 512;
/** Events of each room in the first answer. */
const INITIAL_EVENTS = 20;

/** An open session, with what only its host may do. */
export class OpenSession implements Session {
  readonly me: Value<OwnProfile>;
  readonly connection;
  readonly confirmation;
  readonly security: Security;
  readonly rooms: Rooms;
  readonly people: People;
  readonly media: Media;
  readonly verification: Verifications;
  readonly devices: Devices;
  readonly notifications: Notifications;
  readonly #context: SessionContext;
  readonly #cleanups: (() => void)[];
  readonly #pictures = new Pictures();
  readonly #timelines = new Map<RoomId, RoomTimeline>();

  private constructor(context: SessionContext, cleanups: (() => void)[]) {
    this.#context = context;
    this.#cleanups = cleanups;
    const { client, credentials, persons } = context;
    this.me = new Value<OwnProfile>({ ...persons.of(credentials.userId, null, null), deviceId: credentials.deviceId });
    this.connection = watchConnection(client, context.onClose);
    this.confirmation = context.elsewhere.pending;
    context.onClose(() => context.elsewhere.close());
    this.security = new Security(context);
    this.rooms = new Rooms(context);
    this.media = new Media(context);
    this.people = new People(context, this.rooms.direct);
    this.verification = new Verifications(context, (userId) => this.rooms.openDirect(userId));
    this.devices = new Devices(context);
    this.notifications = new Notifications(context, this.rooms.direct, this.connection);
    context.onClose(() => this.#pictures.close());

    const onProfile = (_event: unknown, user: User) => {
      if (user.userId === credentials.userId) this.#setProfile(user.displayName, user.avatarUrl);
    };
    client.on(UserEvent.DisplayName, onProfile);
    client.on(UserEvent.AvatarUrl, onProfile);
    context.onClose(() => {
      client.off(UserEvent.DisplayName, onProfile);
      client.off(UserEvent.AvatarUrl, onProfile);
    });
  }

  /** Opens the stores and the cryptography and starts to sync; does not wait for the network. */
  static async open(options: OpenOptions): Promise<OpenSession> {
    const { credentials, language } = options;
    const names = storeNames(credentials);
    const cleanups: (() => void)[] = [];
    const onClose = (cleanup: () => void) => cleanups.push(cleanup);
    silenceSdk();
    const secretKeys = new SecretKeys();
    const tokens = new TokenKeeper(options.fetch ?? globalThis.fetch.bind(globalThis), credentials, options.onCredentials);
    const fetch = guardedFetch(tokens.fetch);
    const store = syncStore(options.stores, names);
    const client = createClient({
      baseUrl: credentials.baseUrl,
      userId: credentials.userId,
      deviceId: credentials.deviceId,
      accessToken: credentials.accessToken,
      fetchFn: fetch,
      localTimeoutMs: REQUEST_TIMEOUT_MS,
      store,
      logger: silentLogger,
      timelineSupport: true,
      disableVoip: true,
      verificationMethods: [SAS_METHOD],
      cryptoCallbacks: secretKeys.callbacks,
      roomNameGenerator: roomNameGenerator(language),
    });
    try {
      const context = await startCryptography(client, { ...options, names, cleanups, onClose, secretKeys, fetch, tokens });
      const session = new OpenSession(context, cleanups);
      const onLoggedOut = (error: MatrixError) => options.onLoggedOut(error.data["soft_logout"] === true);
      client.on(HttpApiEvent.SessionLoggedOut, onLoggedOut);
      onClose(() => client.off(HttpApiEvent.SessionLoggedOut, onLoggedOut));
      // Calls are not built yet: nothing need watch every room for them.
      client.matrixRTC.start = () => undefined;
      await store.startup();
      await client.startClient({
        initialSyncLimit: INITIAL_EVENTS,
        lazyLoadMembers: true,
        // Until threads have a view, answers in threads belong where people see them: in the timeline.
        threadSupport: false,
        pendingEventOrdering: PendingEventOrdering.Detached,
        disablePresence: true,
      });
      void session.security.start();
      void session.#loadProfile();
      return session;
    } catch (error) {
      for (const cleanup of cleanups.reverse()) cleanup();
      client.stopClient();
      await store.destroy?.().catch(() => undefined);
      throw toFailure(error);
    }
  }

  timeline(roomId: RoomId): Timeline {
    const known = this.#timelines.get(roomId);
    if (known !== undefined) return known;
    const timeline = new RoomTimeline(this.#context, this.media, this.#pictures, roomId);
    this.#timelines.set(roomId, timeline);
    return timeline;
  }

  async setDisplayName(name: string): Promise<void> {
    const displayName = name.trim().slice(0, 100);
    try {
      await this.#context.client.setDisplayName(displayName);
      this.#setProfile(displayName, this.me.getSnapshot().avatar);
    } catch (error) {
      throw toFailure(error);
    }
  }

  async setAvatar(picture: Blob | null): Promise<void> {
    try {
      const avatar = picture === null ? "" : await this.#uploadAvatar(picture);
      await this.#context.client.setAvatarUrl(avatar);
      this.#setProfile(this.me.getSnapshot().displayName, avatar);
    } catch (error) {
      throw toFailure(error);
    }
  }

  async #uploadAvatar(picture: Blob): Promise<Mxc> {
    const square = await this.#pictures.square(picture, AVATAR_PX);
    if (square === null) throw new Failure("media-unreadable");
    return uploadPublic(this.media.access, square);
  }

  async changePassword(current: string, next: string, signOutOthers: boolean): Promise<void> {
    const { client, userId } = this.#context;
    await confirmed({ userId, password: current }, (auth) => client.setPassword(auth as never, next, signOutOthers));
  }

  async lossOnSignOut(): Promise<SignOutLoss> {
    let outgoing = 0;
    for (const timeline of this.#timelines.values()) outgoing += timeline.outgoing;
    const state = this.security.state.getSnapshot();
    try {
      return {
        unsentMessages: this.rooms.unsentMessages() + outgoing,
        keysNotSaved: await this.security.keysNotSaved(),
        noRecovery: !(state.status === "ready" && state.backup && state.recoveryCode),
        lastDevice: !(await this.security.hasOtherConfirmedDevice().catch(() => false)),
      };
    } catch (error) {
      throw toFailure(error);
    }
  }

  /** Tells the server; gives up after some seconds. */
  async logout(timeoutMs: number): Promise<void> {
    const timeout = new Promise<void>((resolve) => {
      setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#context.client.logout(false).catch(() => undefined), timeout]);
  }

  /** Stops everything and closes the stores; resolves once another client may open them. */
  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) cleanup();
    const { client } = this.#context;
    client.stopClient();
    await client.store.save(true).catch(() => undefined);
    await client.store.destroy?.().catch(() => undefined);
    client.removeAllListeners();
  }

  async #loadProfile(): Promise<void> {
    const profile = await this.#context.client.getProfileInfo(this.#context.userId).catch(() => null);
    if (profile !== null) this.#setProfile(profile.displayname, profile.avatar_url);
  }

  #setProfile(displayName: string | null | undefined, avatar: string | null | undefined): void {
    const { persons, userId, deviceId } = this.#context;
    const person = persons.of(userId, displayName, avatar);
    const before = this.me.getSnapshot();
    if (before.displayName === person.displayName && before.avatar === person.avatar) return;
    this.me.set({ ...person, deviceId });
  }
}

/** Starts the cryptography and, before anything can be sent, the guard. */
async function startCryptography(
  client: MatrixClient,
  options: OpenOptions & {
    readonly names: ReturnType<typeof storeNames>;
    readonly onClose: (cleanup: () => void) => void;
    readonly cleanups: (() => void)[];
    readonly secretKeys: SecretKeys;
    readonly fetch: typeof globalThis.fetch;
    readonly tokens: TokenKeeper;
  },
): Promise<SessionContext> {
  const { credentials, names, onClose } = options;
  await client.initRustCrypto(
    options.stores === "memory"
      ? { useIndexedDB: false }
      : {
          cryptoDatabasePrefix: names.cryptoPrefix,
          ...(options.storageKey === null ? {} : { storageKey: options.storageKey }),
        },
  );
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Failure("unknown");
  const latch = await EncryptionLatch.open(await latchStore(options.stores, names));
  const guard = new Guard(client, crypto, latch);
  onClose(() => guard.close());
  return {
    client,
    crypto,
    guard,
    persons: new PersonCache(client),
    typing: new TypingPeople(client, onClose),
    secretKeys: options.secretKeys,
    credentials,
    userId: credentials.userId,
    deviceId: credentials.deviceId,
    language: options.language,
    fetch: options.fetch,
    accessToken: () => options.tokens.accessToken,
    elsewhere: new ConfirmationsElsewhere(credentials.baseUrl),
    onClose,
  };
}
