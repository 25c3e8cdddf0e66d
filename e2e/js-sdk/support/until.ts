import {
  ClientEvent,
  type MatrixClient,
  MatrixEventEvent,
  RoomEvent,
  RoomMemberEvent,
  ThreadEvent,
} from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";

/** For how long anybody waits for what must come, in milliseconds. */
const PATIENCE = 30_000;

/** After which of the SDK's events it is worth to look again. */
const NEWS: readonly string[] = [
  ClientEvent.AccountData,
  ClientEvent.Sync,
  CryptoEvent.DevicesUpdated,
  CryptoEvent.KeyBackupSessionsRemaining,
  CryptoEvent.KeyBackupStatus,
  CryptoEvent.UserTrustStatusChanged,
  MatrixEventEvent.Decrypted,
  MatrixEventEvent.Replaced,
  RoomEvent.LocalEchoUpdated,
  RoomEvent.Receipt,
  RoomEvent.Redaction,
  RoomEvent.Timeline,
  RoomEvent.UnreadNotifications,
  RoomMemberEvent.Membership,
  RoomMemberEvent.Typing,
  ThreadEvent.New,
  ThreadEvent.Update,
];

type Found<T> = Exclude<T, false | null | undefined>;

/** Looks now and after each piece of news of a client, until there is what is looked for; gives it back. */
export async function until<T>(
  client: MatrixClient,
  what: string,
  look: () => T | Promise<T>,
): Promise<Found<T>> {
  // Its type leaves out what rooms and threads tell, which it passes on all the same.
  const news: Pick<NodeJS.EventEmitter, "on" | "off"> = client;
  let hasNews = true;
  let wake = () => {};
  const onNews = () => {
    hasNews = true;
    wake();
  };
  for (const event of NEWS) news.on(event, onNews);
  try {
    return await within(what, async (isOver) => {
      for (;;) {
        if (!hasNews) await new Promise<void>((resolve) => (wake = resolve));
        hasNews = false;
        const found = await look();
        if (found !== false && found !== null && found !== undefined) return found as Found<T>;
        if (isOver()) throw new Error(`nobody waits for ${what} any more`);
      }
    });
  } finally {
    for (const event of NEWS) news.off(event, onNews);
  }
}

/** Waits for something, but not for ever. */
export async function within<T>(
  what: string,
  work: Promise<T> | ((isOver: () => boolean) => Promise<T>),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const impatience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isOver = true;
      reject(new Error(`${what} did not come within ${PATIENCE / 1000} s`));
    }, PATIENCE);
  });
  try {
    return await Promise.race([typeof work === "function" ? work(() => isOver) : work, impatience]);
  } finally {
    clearTimeout(timer);
  }
}
