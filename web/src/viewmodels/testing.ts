/** People, messages and a world to stand in for the browser, for the tests of view models. */
import { Value } from "../matrix/observable";
import type { Person, RoomSummary, TimelineItem } from "../matrix/types";
import type { Environment, NotificationPermissionState, SystemNotification } from "./environment";

/** What a view model observes, for the tests of views, which may not reach into src/matrix themselves. */
export { Value } from "../matrix/observable";

const person = (localpart: string, displayName: string): Person => ({
  userId: `@${localpart}:interieur.example`,
  displayName,
  avatar: null,
});

export const lea = person("lea", "Léa Dubois");
export const claire = person("claire", "Claire Martin");
export const samir = person("samir", "Samir Benali");
export const awa = person("awa", "Awa Koné");
export const hugo = person("hugo", "Hugo Petit");

/** A message of `sender` whose event id is `$` and its key. */
export function item(key: string, sender: Person, part: Partial<TimelineItem> = {}): TimelineItem {
  return {
    key,
    eventId: `$${key}`,
    sender,
    mine: false,
    ts: 0,
    body: { kind: "text", text: key, emote: false, notice: false },
    send: { status: "sent" },
    readBy: [],
    unproven: false,
    replyTo: null,
    threadRoot: null,
    edited: false,
    canRedact: false,
    ...part,
  };
}

/** A joined group called `name`. */
export function room(roomId: string, name: string, part: Partial<RoomSummary> = {}): RoomSummary {
  return {
    roomId,
    name,
    avatar: null,
    partner: null,
    membership: "join",
    inviter: null,
    encrypted: true,
    memberCount: 3,
    preview: null,
    unread: 0,
    highlights: 0,
    lastActivity: 0,
    typing: [],
    suspended: false,
    ...part,
  };
}

/** A browser whose clock moves only when told to. */
export class TestWorld implements Environment {
  readonly attention = new Value(true);
  readonly preferences = new Map<string, string>();
  readonly shown: SystemNotification[] = [];
  readonly closed: string[] = [];
  readonly saved: string[] = [];
  /** Addresses that were opened in other tabs. */
  readonly tabs: string[] = [];
  readonly urls = new Set<string>();
  permission: NotificationPermissionState = "default";
  /** What the person answers when asked. */
  answer: NotificationPermissionState = "granted";
  copied: string | null = null;
  reloads = 0;
  #now = new Date(2026, 10, 18, 9, 42).getTime();
  #timers: { readonly at: number; readonly action: () => void }[] = [];
  #urlCount = 0;

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer = { at: this.#now + milliseconds, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Lets `milliseconds` pass, then everything that was waiting for an answer. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.action();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  createUrl(_blob: Blob): string {
    this.#urlCount += 1;
    const url = `blob:test/${this.#urlCount}`;
    this.urls.add(url);
    return url;
  }

  revokeUrl(url: string): void {
    this.urls.delete(url);
  }

  saveFile(_blob: Blob, name: string): void {
    this.saved.push(name);
  }

  async copyText(text: string): Promise<void> {
    this.copied = text;
  }

  openTab(url: string): void {
    this.tabs.push(url);
  }

  reload(): void {
    this.reloads += 1;
  }

  readPreference(key: string): string | null {
    return this.preferences.get(key) ?? null;
  }

  writePreference(key: string, value: string | null): void {
    if (value === null) this.preferences.delete(key);
    else this.preferences.set(key, value);
  }

  notificationPermission(): NotificationPermissionState {
    return this.permission;
  }

  async requestNotificationPermission(): Promise<NotificationPermissionState> {
    this.permission = this.answer;
    return this.answer;
  }

  showNotification(notification: SystemNotification): () => void {
    this.shown.push(notification);
    return () => this.closed.push(notification.tag);
  }
}

/** Resolves once every promise that is already settled has been heard. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
