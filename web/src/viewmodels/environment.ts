import { type Observable, Value } from "../matrix/observable";

/** A notification on the person's desktop. */
export interface SystemNotification {
  readonly title: string;
  readonly body: string;
  /** A later one with the same tag replaces this one. */
  readonly tag: string;
  readonly silent: boolean;
  readonly onClick: () => void;
}

/** What a browser says about desktop notifications. */
export type NotificationPermissionState = "default" | "granted" | "denied" | "unsupported";

/**
 * What view models need of the browser, besides Matrix: the clock, timers, the window's attention, files, preferences.
 * A test gives its own; {@link browserEnvironment} is the real one.
 */
export interface Environment {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `action` once after `milliseconds`; the returned function cancels it. */
  after(milliseconds: number, action: () => void): () => void;
  /** True while the page is visible and its window has the focus: what it shows is being looked at. */
  readonly attention: Observable<boolean>;
  /** A `blob:` address for `blob`, to be given back by {@link revokeUrl}. */
  createUrl(blob: Blob): string;
  revokeUrl(url: string): void;
  /** Hands `blob` to the browser's downloads under `name`. */
  saveFile(blob: Blob, name: string): void;
  copyText(text: string): Promise<void>;
  /** Opens an address in another tab; browsers allow it only in a click's own task. */
  openTab(url: string): void;
  /** Loads the page again. */
  reload(): void;
  /** Settings of this browser that are no secret. */
  readPreference(key: string): string | null;
  /** Null removes it. */
  writePreference(key: string, value: string | null): void;
  notificationPermission(): NotificationPermissionState;
  /** Asks the person; browsers answer only after a click. */
  requestNotificationPermission(): Promise<NotificationPermissionState>;
  /** Shows a notification; the returned function takes it away. */
  showNotification(notification: SystemNotification): () => void;
}

function observeAttention(): Observable<boolean> {
  const attending = () => document.visibilityState === "visible" && document.hasFocus();
  const value = new Value(attending());
  const update = () => value.set(attending());
  // These live as long as the page, like the value that they feed.
  document.addEventListener("visibilitychange", update);
  window.addEventListener("focus", update);
  window.addEventListener("blur", update);
  return value;
}

function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has read the address once the click's task is over; a minute is more than enough.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function systemNotifications(): Pick<
  Environment,
  "notificationPermission" | "requestNotificationPermission" | "showNotification"
> {
  const supported = "Notification" in window;
  return {
    notificationPermission: () => (supported ? Notification.permission : "unsupported"),
    requestNotificationPermission: async () => (supported ? Notification.requestPermission() : "unsupported"),
    showNotification({ title, body, tag, silent, onClick }) {
      try {
        const shown = new Notification(title, { body, tag, silent, icon: "/icon.svg" });
        shown.onclick = () => {
          window.focus();
          shown.close();
          onClick();
        };
        return () => shown.close();
      } catch {
        // Browsers on phones have the class but let only a service worker use it.
        return () => {};
      }
    },
  };
}

/** The environment of the page that runs this code. */
export function browserEnvironment(): Environment {
  return {
    now: () => Date.now(),
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
    attention: observeAttention(),
    createUrl: (blob) => URL.createObjectURL(blob),
    revokeUrl: (url) => URL.revokeObjectURL(url),
    saveFile: saveBlob,
    copyText: (text) => navigator.clipboard.writeText(text),
    openTab: (url) => {
      window.open(url, "_blank", "noopener");
    },
    reload: () => window.location.reload(),
    readPreference(key) {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    writePreference(key, value) {
      try {
        if (value === null) localStorage.removeItem(key);
        else localStorage.setItem(key, value);
      } catch {
        // Without storage the choice holds until the page is left.
      }
    },
    ...systemNotifications(),
  };
}
