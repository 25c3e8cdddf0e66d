import type { RoomsActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Observable } from "../matrix/observable";
import type { ConnectionState, RoomId, RoomSummary } from "../matrix/types";
import type { Environment } from "./environment";
import { filterRooms, neighbour, type RoomFilter } from "./roomFilter";
import { untilMidnight } from "./time";
import { ViewModel } from "./ViewModel";

/** An invitation and what is being done with it. */
export interface InvitationRow {
  readonly room: RoomSummary;
  readonly busy: "accepting" | "declining" | null;
  readonly failure: FailureInfo | null;
}

/** What the list of conversations shows. */
export interface RoomListSnapshot {
  /**
   * `loading`: a skeleton. `failed`: the server does not answer and nothing is known of before.
   * `empty`: there is no conversation at all. `no-match`: the filter or the search leaves none. `full`: rows.
   */
  readonly status: "loading" | "failed" | "empty" | "no-match" | "full";
  readonly filter: RoomFilter;
  readonly query: string;
  /** Conversations to show, newest first. */
  readonly rooms: readonly RoomSummary[];
  readonly invitations: readonly InvitationRow[];
  /** How many conversations have something unread. */
  readonly unreadRooms: number;
  /** The conversation that is open. */
  readonly open: RoomId | null;
  /** The present time in milliseconds, to the day: "yesterday" depends on it. */
  readonly today: number;
}

interface PendingInvitation {
  readonly busy: InvitationRow["busy"];
  readonly failure: FailureInfo | null;
}

/** The list of conversations: filters, search by name, invitations. */
export class RoomListViewModel extends ViewModel<RoomListSnapshot> {
  readonly #rooms: RoomsActions;
  readonly #connection: Observable<ConnectionState>;
  readonly #environment: Environment;
  readonly #pending = new Map<RoomId, PendingInvitation>();
  #cancelMidnight = () => {};

  constructor(rooms: RoomsActions, connection: Observable<ConnectionState>, environment: Environment) {
    super({
      status: "loading",
      filter: "all",
      query: "",
      rooms: [],
      invitations: [],
      unreadRooms: 0,
      open: null,
      today: environment.now(),
    });
    this.#rooms = rooms;
    this.#connection = connection;
    this.#environment = environment;
    this.own(rooms.list.subscribe(() => this.#update()));
    this.own(connection.subscribe(() => this.#update()));
    this.own(() => this.#cancelMidnight());
    this.#awaitMidnight();
    this.#update();
  }

  /** Shows another kind of conversations. */
  setFilter(filter: RoomFilter): void {
    this.patch({ filter });
    this.#update();
  }

  /** Shows the conversations whose name has these words. */
  setQuery(query: string): void {
    this.patch({ query });
    this.#update();
  }

  /** A conversation was opened; null for none. */
  setOpen(open: RoomId | null): void {
    if (open === this.getSnapshot().open) return;
    this.patch({ open });
    this.#update();
  }

  /** The conversation above (-1) or below (1) the open one, as the list shows it; null at either end. */
  neighbour(step: 1 | -1): RoomId | null {
    const { rooms, open } = this.getSnapshot();
    return neighbour(rooms, open, step);
  }

  /** Accepts an invitation. True once the conversation can be opened. */
  accept(roomId: RoomId): Promise<boolean> {
    return this.#answer(roomId, "accepting", () => this.#rooms.acceptInvite(roomId));
  }

  /** Declines an invitation. True once it is gone. */
  decline(roomId: RoomId): Promise<boolean> {
    return this.#answer(roomId, "declining", () => this.#rooms.declineInvite(roomId));
  }

  /** After `failed`: starts the page again, which asks the server at once. */
  retry(): void {
    this.#environment.reload();
  }

  async #answer(roomId: RoomId, busy: "accepting" | "declining", action: () => Promise<void>): Promise<boolean> {
    if (this.#pending.get(roomId)?.busy) return false;
    this.#setPending(roomId, { busy, failure: null });
    try {
      await action();
      this.#setPending(roomId, null);
      return true;
    } catch (error) {
      this.#setPending(roomId, { busy: null, failure: toFailure(error).info });
      return false;
    }
  }

  #setPending(roomId: RoomId, pending: PendingInvitation | null): void {
    if (pending) this.#pending.set(roomId, pending);
    else this.#pending.delete(roomId);
    this.#update();
  }

  #awaitMidnight(): void {
    this.#cancelMidnight = this.#environment.after(untilMidnight(this.#environment.now()) + 1, () => {
      this.patch({ today: this.#environment.now() });
      this.#awaitMidnight();
    });
  }

  #update(): void {
    const list = this.#rooms.list.getSnapshot();
    const { filter, query, open } = this.getSnapshot();
    const joined: RoomSummary[] = [];
    const invitations: InvitationRow[] = [];
    let unreadRooms = 0;
    for (const room of list.rooms) {
      if (room.membership === "invite") {
        const pending = this.#pending.get(room.roomId);
        invitations.push({ room, busy: pending?.busy ?? null, failure: pending?.failure ?? null });
      } else {
        joined.push(room);
        if (room.unread > 0) unreadRooms += 1;
      }
    }
    const rooms = filterRooms(joined, filter, query, open);
    this.patch({ rooms, invitations, unreadRooms, status: this.#status(list.loading, joined.length, rooms.length) });
  }

  #status(loading: boolean, known: number, shown: number): RoomListSnapshot["status"] {
    if (shown > 0) return "full";
    if (known > 0) return "no-match";
    if (!loading) return "empty";
    const { status } = this.#connection.getSnapshot();
    return status === "offline" || status === "reconnecting" ? "failed" : "loading";
  }
}
