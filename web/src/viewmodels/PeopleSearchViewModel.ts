import type { PeopleActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Person, UserId } from "../matrix/types";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** How long the person must pause before the server is asked, in milliseconds. */
export const SEARCH_PAUSE_MS = 250;

/** Fewer letters than this find too many to be worth asking. */
export const SHORTEST_QUERY = 2;

const MOST_RESULTS = 30;

/** What a search for people shows. */
export interface PeopleSearchSnapshot {
  readonly query: string;
  /** `idle`: too little typed. */
  readonly status: "idle" | "searching" | "found" | "none" | "failed";
  /** Kept while a longer name is being searched, so that the list does not flicker. */
  readonly people: readonly Person[];
  /** There are more: a longer name finds them. */
  readonly limited: boolean;
  readonly failure: FailureInfo | null;
  /** People already picked, in the order of picking. */
  readonly picked: readonly Person[];
}

/** Finds people in the directory by name, and picks some of them. */
export class PeopleSearchViewModel extends ViewModel<PeopleSearchSnapshot> {
  readonly #people: PeopleActions;
  readonly #environment: Environment;
  readonly #hidden: () => ReadonlySet<UserId>;
  #cancelPause = () => {};
  #asked: AbortController | null = null;

  /** `hidden` are people who cannot be picked here: me, and who is a member already. */
  constructor(people: PeopleActions, environment: Environment, hidden: () => ReadonlySet<UserId>) {
    super({ query: "", status: "idle", people: [], limited: false, failure: null, picked: [] });
    this.#people = people;
    this.#environment = environment;
    this.#hidden = hidden;
    this.own(() => this.#stop());
  }

  /** The person types a name. */
  setQuery(query: string): void {
    this.#stop();
    if (query.trim().length < SHORTEST_QUERY) {
      this.patch({ query, status: "idle", people: [], limited: false, failure: null });
      return;
    }
    this.patch({ query, status: "searching", failure: null });
    this.#cancelPause = this.#environment.after(SEARCH_PAUSE_MS, () => void this.#search());
  }

  /** After `failed`: asks again. */
  retry(): void {
    this.#stop();
    this.patch({ status: "searching", failure: null });
    void this.#search();
  }

  /** Picks a person and makes room for the next name. */
  pick(person: Person): void {
    const { picked } = this.getSnapshot();
    if (!picked.some((one) => one.userId === person.userId)) this.patch({ picked: [...picked, person] });
    this.setQuery("");
  }

  /** Takes a person out of those picked. */
  unpick(userId: UserId): void {
    this.patch({ picked: this.getSnapshot().picked.filter((person) => person.userId !== userId) });
  }

  /** Results that can still be picked. */
  static selectable({ people, picked }: PeopleSearchSnapshot): readonly Person[] {
    return people.filter((person) => !picked.some((one) => one.userId === person.userId));
  }

  #stop(): void {
    this.#cancelPause();
    this.#asked?.abort();
    this.#asked = null;
  }

  async #search(): Promise<void> {
    const asked = new AbortController();
    this.#asked = asked;
    try {
      const { signal } = asked;
      const result = await this.#people.search(this.getSnapshot().query.trim(), { limit: MOST_RESULTS, signal });
      if (signal.aborted) return;
      const hidden = this.#hidden();
      const people = result.people.filter((person) => !hidden.has(person.userId));
      this.patch({ status: people.length > 0 ? "found" : "none", people, limited: result.limited });
    } catch (error) {
      if (asked.signal.aborted) return;
      this.patch({ status: "failed", people: [], limited: false, failure: toFailure(error).info });
    }
  }
}
