import type { Timeline } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Observable } from "../matrix/observable";
import type { PaginationState, RoomDetails, TimelineItem } from "../matrix/types";
import type { Environment } from "./environment";
import { untilMidnight } from "./time";
import { isOthersMessage, type TimelineRow, timelineRows } from "./timelineRows";
import { ViewModel } from "./ViewModel";

/** What the timeline shows. */
export interface TimelineSnapshot {
  /** True until the first messages are there: show a skeleton. */
  readonly loading: boolean;
  readonly rows: readonly TimelineRow[];
  readonly older: PaginationState;
  /** Messages of others that came while the person was reading further up. */
  readonly missed: number;
  /** The last message of somebody else that came while its place was in view: to be read out. */
  readonly arrived: TimelineItem | null;
  /** Grows each time the view has to go to the end although the person had scrolled up: they sent something. */
  readonly toEnd: number;
  /** The present time in milliseconds, to the day: "today" and "yesterday" depend on it. */
  readonly today: number;
  /** The last action that did not work. */
  readonly failure: FailureInfo | null;
}

/** Loads ahead once more than this many times would only hide a server that gives nothing. */
const MOST_FIRST_LOADS = 5;

/** A conversation's messages as rows, and what is done with one of them. */
export class TimelineViewModel extends ViewModel<TimelineSnapshot> {
  readonly #timeline: Timeline;
  readonly #details: Observable<RoomDetails | null>;
  readonly #environment: Environment;
  /** False until the view has measured: nothing counts as seen before. */
  #atEnd = false;
  /** The event that the line of new messages stands after; null for no line. */
  #newAfter: string | null = null;
  #opened = false;
  #drawnDirect = false;
  #known: ReadonlySet<string> = new Set();
  #firstLoads = 0;
  #cancelMidnight = () => {};

  constructor(timeline: Timeline, details: Observable<RoomDetails | null>, environment: Environment) {
    super({
      loading: true,
      rows: [],
      older: { status: "idle" },
      missed: 0,
      arrived: null,
      toEnd: 0,
      today: environment.now(),
      failure: null,
    });
    this.#timeline = timeline;
    this.#details = details;
    this.#environment = environment;
    this.own(timeline.state.subscribe(() => this.#update()));
    this.own(details.subscribe(() => this.#settle()));
    this.own(environment.attention.subscribe(() => this.#look()));
    this.own(() => this.#cancelMidnight());
    this.#awaitMidnight();
    this.#update();
  }

  /** The view tells whether the end is in view. */
  setAtEnd(atEnd: boolean): void {
    if (this.#atEnd === atEnd) return;
    this.#atEnd = atEnd;
    this.#look();
  }

  /** Asks for older messages; harmless while they are being loaded or when there are none. */
  loadOlder(): void {
    void this.#timeline.loadOlder();
  }

  /** Tries a message again that could not be sent. */
  async retry(key: string): Promise<void> {
    await this.#attempt(() => this.#timeline.retry(key));
  }

  /** Gives up a message that could not be sent, or an upload under way. */
  async discard(key: string): Promise<void> {
    await this.#attempt(() => this.#timeline.discard(key));
  }

  /** Removes a message for everyone. */
  async redact(eventId: string): Promise<void> {
    await this.#attempt(() => this.#timeline.redact(eventId));
  }

  /** Puts a message's text on the clipboard. */
  async copy(text: string): Promise<void> {
    await this.#attempt(() => this.#environment.copyText(text));
  }

  /** The person has read what did not work. */
  dismissFailure(): void {
    this.patch({ failure: null });
  }

  /** At midnight "today" becomes "yesterday". */
  #awaitMidnight(): void {
    this.#cancelMidnight = this.#environment.after(untilMidnight(this.#environment.now()) + 1, () => {
      this.patch({ today: this.#environment.now() });
      this.#awaitMidnight();
    });
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    this.patch({ failure: null });
    try {
      await action();
    } catch (error) {
      const { info } = toFailure(error);
      if (info.kind !== "cancelled") this.patch({ failure: info });
    }
  }

  get #looking(): boolean {
    return this.#atEnd && this.#environment.attention.getSnapshot();
  }

  /** What is at the end has been seen, if the person is looking at it. */
  #look(): void {
    if (!this.#looking || !this.#opened) return;
    void this.#timeline.markRead().catch(() => {
      // The next message or the next look says it again; nothing that a person could do.
    });
    if (this.getSnapshot().missed > 0) this.patch({ missed: 0 });
  }

  get #direct(): boolean {
    return this.#details.getSnapshot()?.partner != null;
  }

  /** Whether the conversation is one of two may become known after its first messages. */
  #settle(): void {
    if (this.#drawnDirect !== this.#direct) this.#update();
  }

  #update(): void {
    const state = this.#timeline.state.getSnapshot();
    const { items } = state;
    const snapshot = this.getSnapshot();

    if (!this.#opened && items.length > 0) {
      this.#opened = true;
      this.#newAfter = state.fullyRead;
      this.#known = new Set();
    }
    const arrivals = this.#arrivals(items);
    this.#known = new Set(items.map((item) => item.key));

    let { missed, arrived, toEnd } = snapshot;
    for (const { item, before } of arrivals) {
      if (item.mine && item.send.status !== "sent") {
        // Who answers has read: the line has done its work, and the person wants to see what they sent.
        this.#newAfter = null;
        missed = 0;
        toEnd += 1;
      } else if (isOthersMessage(item)) {
        if (this.#looking) arrived = item;
        else {
          if (!this.#atEnd) missed += 1;
          this.#newAfter ??= before?.eventId ?? null;
        }
      }
    }

    const atStart = state.backwards.status === "end";
    this.#drawnDirect = this.#direct;
    this.patch({
      loading: items.length === 0 && state.backwards.status !== "end" && state.backwards.status !== "failed",
      rows: timelineRows(items, { newAfter: this.#newAfter, atStart, direct: this.#drawnDirect }, snapshot.rows),
      older: state.backwards,
      missed,
      arrived,
      toEnd,
    });
    this.#loadFirst();
    this.#look();
  }

  /** What came after the last item known before, each with the item above it. */
  #arrivals(items: readonly TimelineItem[]): { readonly item: TimelineItem; readonly before: TimelineItem | undefined }[] {
    const arrivals: { item: TimelineItem; before: TimelineItem | undefined }[] = [];
    for (let index = items.length - 1; index >= 0; index -= 1) {
      const item = items[index];
      if (!item) continue;
      if (this.#known.has(item.key)) return arrivals.reverse();
      arrivals.push({ item, before: items[index - 1] });
    }
    // Nothing of what was known is left: the timeline starts anew after a long absence. Nothing "arrived".
    return [];
  }

  /** An empty timeline gives the view nothing to scroll, so the first messages are asked for here. */
  #loadFirst(): void {
    const { rows, older } = this.getSnapshot();
    if (rows.length > 0 || older.status !== "idle" || this.#firstLoads >= MOST_FIRST_LOADS) return;
    this.#firstLoads += 1;
    this.loadOlder();
  }
}
