import { t } from "../i18n";
import type { NotificationSource } from "../matrix/api";
import type { MessageNotification, RoomId } from "../matrix/types";
import type { Environment, NotificationPermissionState } from "./environment";
import { shortName } from "./names";
import { ViewModel } from "./ViewModel";

const ENABLED = "pli.notifications.enabled";
const OFFER_DECLINED = "pli.notifications.offerDeclined";
const SHOW_TEXT = "pli.notifications.showText";

/** More letters than this of a message never fit on a notification. */
const LONGEST_TEXT = 240;

/** What the settings show of desktop notifications. */
export interface NotificationsSnapshot {
  /** What the browser says. `denied` can be changed only in the browser's own settings. */
  readonly permission: NotificationPermissionState;
  /** The person wants them, and the browser allows them. */
  readonly enabled: boolean;
  /** The message's text may be shown on the desktop; else only that there is one. */
  readonly showText: boolean;
  /** The person has not been asked yet whether they want notifications. */
  readonly offered: boolean;
}

/** Tells new messages on the desktop, unless the person is looking at that conversation. */
export class NotificationsViewModel extends ViewModel<NotificationsSnapshot> {
  readonly #environment: Environment;
  readonly #shown = new Map<RoomId, () => void>();
  #open: RoomId | null = null;
  #onSelect: (roomId: RoomId) => void = () => {};

  constructor(source: NotificationSource, environment: Environment) {
    const permission = environment.notificationPermission();
    super({
      permission,
      enabled: permission === "granted" && environment.readPreference(ENABLED) === "yes",
      showText: environment.readPreference(SHOW_TEXT) !== "no",
      offered: permission === "default" && environment.readPreference(OFFER_DECLINED) !== "yes",
    });
    this.#environment = environment;
    this.own(source.subscribe((notification) => this.#tell(notification)));
    this.own(environment.attention.subscribe(() => this.#takeAwaySeen()));
    this.own(() => {
      for (const close of this.#shown.values()) close();
    });
  }

  /** Turns notifications on. Call it from the person's own click: browsers ask only then. */
  async enable(): Promise<void> {
    const permission = await this.#environment.requestNotificationPermission();
    const enabled = permission === "granted";
    if (enabled) this.#environment.writePreference(ENABLED, "yes");
    this.patch({ permission, enabled, offered: false });
  }

  /** The person does not want to be asked again. The settings still offer it. */
  declineOffer(): void {
    this.#environment.writePreference(OFFER_DECLINED, "yes");
    this.patch({ offered: false });
  }

  /** Turns them off, in Pli alone. */
  disable(): void {
    this.#environment.writePreference(ENABLED, "no");
    this.patch({ enabled: false });
  }

  /** Whether the text of messages may stand on the desktop. */
  setShowText(showText: boolean): void {
    this.#environment.writePreference(SHOW_TEXT, showText ? "yes" : "no");
    this.patch({ showText });
  }

  /** The conversation that is open, and what a press on a notification does. */
  setOpen(open: RoomId | null, onSelect: (roomId: RoomId) => void): void {
    this.#open = open;
    this.#onSelect = onSelect;
    this.#takeAwaySeen();
  }

  #takeAwaySeen(): void {
    if (this.#open === null || !this.#environment.attention.getSnapshot()) return;
    this.#shown.get(this.#open)?.();
    this.#shown.delete(this.#open);
  }

  #tell(notification: MessageNotification): void {
    const { enabled, showText } = this.getSnapshot();
    const { roomId } = notification;
    if (!enabled || (roomId === this.#open && this.#environment.attention.getSnapshot())) return;
    // A later notification with the same tag takes the place of the earlier one, so only the last need be closed.
    const close = this.#environment.showNotification({
      title: showText ? title(notification) : t("notifications:hidden.title"),
      body: showText ? body(notification) : t("notifications:hidden.body"),
      tag: roomId,
      silent: !notification.sound,
      onClick: () => {
        this.#shown.delete(roomId);
        this.#onSelect(roomId);
      },
    });
    this.#shown.set(roomId, close);
  }
}

function title({ direct, sender, roomName }: MessageNotification): string {
  return direct ? shortName(sender.displayName) : roomName;
}

function body({ direct, sender, kind, text }: MessageNotification): string {
  const words = kind === "text" && text !== null ? shorten(text) : t(`notifications:kind.${kind}`);
  return direct ? words : t("notifications:from", { name: shortName(sender.displayName), text: words });
}

function shorten(text: string): string {
  const letters = [...text];
  return letters.length <= LONGEST_TEXT ? text : `${letters.slice(0, LONGEST_TEXT).join("")}…`;
}
