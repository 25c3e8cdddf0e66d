import type { Session } from "../matrix/api";
import type { OwnProfile, RoomId } from "../matrix/types";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** What surrounds every conversation. */
export interface ShellSnapshot {
  readonly me: OwnProfile;
  /** Unread messages over all conversations, for the rail and the tab's title. */
  readonly unread: number;
  /** What to say about the link to the server; null when all is well. */
  readonly link: "offline" | "reconnecting" | null;
  /** The account has no recovery code: losing this device would lose the history. */
  readonly offerRecoveryCode: boolean;
  /** New messages' keys are not being saved. */
  readonly backupStopped: boolean;
  /** The tab's title: how many wait, and where we are. */
  readonly title: string;
}

/** A link that comes back sooner than this, in milliseconds, is not worth a word. */
const patience = 3000;

/** Follows what the frame around the conversations shows. */
export class ShellViewModel extends ViewModel<ShellSnapshot> {
  readonly #session: Session;
  readonly #environment: Environment;
  #roomId: RoomId | null = null;
  #page: string | null = null;
  #reconnectingForLong = false;
  #cancelWait: (() => void) | null = null;

  constructor(session: Session, environment: Environment) {
    super({
      me: session.me.getSnapshot(),
      unread: 0,
      link: null,
      offerRecoveryCode: false,
      backupStopped: false,
      title: "Pli",
    });
    this.#session = session;
    this.#environment = environment;
    const update = () => this.#update();
    this.own(session.me.subscribe(update));
    this.own(session.rooms.list.subscribe(update));
    this.own(session.security.state.subscribe(update));
    this.own(session.connection.subscribe(() => this.#followLink()));
    this.own(() => this.#cancelWait?.());
    this.#followLink();
  }

  /** Where we are: a conversation, or a page with a title of its own. */
  setPlace(roomId: RoomId | null, page: string | null): void {
    this.#roomId = roomId;
    this.#page = page;
    this.#update();
  }

  #followLink(): void {
    const { status } = this.#session.connection.getSnapshot();
    if (status !== "reconnecting") {
      this.#cancelWait?.();
      this.#cancelWait = null;
      this.#reconnectingForLong = false;
    } else if (!this.#cancelWait) {
      this.#cancelWait = this.#environment.after(patience, () => {
        this.#reconnectingForLong = true;
        this.#update();
      });
    }
    this.#update();
  }

  #update(): void {
    const { me, rooms, security, connection } = this.#session;
    const list = rooms.list.getSnapshot();
    const state = security.state.getSnapshot();
    const { status } = connection.getSnapshot();
    const link = status === "offline" ? "offline" : this.#reconnectingForLong ? "reconnecting" : null;
    const place = this.#page ?? list.rooms.find(({ roomId }) => roomId === this.#roomId)?.name ?? null;
    const next: ShellSnapshot = {
      me: me.getSnapshot(),
      unread: list.unread,
      link,
      offerRecoveryCode: state.status === "ready" && !state.recoveryCode,
      backupStopped: state.status === "ready" && state.recoveryCode && !state.backup,
      title: [list.unread > 0 ? `(${list.unread > 99 ? "99+" : list.unread})` : null, [place, "Pli"].filter(Boolean).join(" · ")]
        .filter(Boolean)
        .join(" "),
    };
    const now = this.getSnapshot();
    const same = (Object.keys(next) as Array<keyof ShellSnapshot>).every((key) => Object.is(next[key], now[key]));
    if (!same) this.set(next);
  }
}
