/** The directory, and people's pages. */
import { Method } from "matrix-js-sdk";
import type { PeopleActions } from "./api";
import { Failure, toFailure } from "./errors";
import { type Observable, Value } from "./observable";
import { trustOf } from "./rooms/details";
import type { DirectRooms } from "./rooms/direct";
import type { SessionContext } from "./session/context";
import type { PeopleSearchResult, PersonDetails, UserId } from "./types";

const DEFAULT_LIMIT = 20;
const MAX_TERM = 200;

interface DirectoryAnswer {
  readonly limited?: boolean;
  readonly results?: readonly { readonly user_id?: string; readonly display_name?: string; readonly avatar_url?: string }[];
}

/** See {@link PeopleActions}. */
export class People implements PeopleActions {
  readonly #context: SessionContext;
  readonly #direct: DirectRooms;
  readonly #details = new Map<UserId, Value<PersonDetails | null>>();

  constructor(context: SessionContext, direct: DirectRooms) {
    this.#context = context;
    this.#direct = direct;
    const stop = context.guard.subscribe((userIds) => {
      for (const userId of userIds ?? []) if (this.#details.has(userId)) void this.#load(userId);
    });
    context.onClose(stop);
  }

  async search(
    text: string,
    options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
  ): Promise<PeopleSearchResult> {
    const term = text.trim().slice(0, MAX_TERM);
    if (term === "") return { people: [], limited: false };
    const { client, persons, userId } = this.#context;
    let answer: DirectoryAnswer;
    try {
      answer = await client.http.authedRequest<DirectoryAnswer>(
        Method.Post,
        "/user_directory/search",
        undefined,
        { search_term: term, limit: options.limit ?? DEFAULT_LIMIT },
        options.signal === undefined ? {} : { abortSignal: options.signal },
      );
    } catch (error) {
      if (options.signal?.aborted) throw new Failure("cancelled", {}, error);
      throw toFailure(error);
    }
    const people = (answer.results ?? []).flatMap((hit) =>
      typeof hit.user_id !== "string" || hit.user_id === userId
        ? []
        : [persons.of(hit.user_id, hit.display_name, hit.avatar_url)],
    );
    return { people, limited: answer.limited === true };
  }

  details(userId: UserId): Observable<PersonDetails | null> {
    const known = this.#details.get(userId);
    if (known !== undefined) return known;
    const value = new Value<PersonDetails | null>(null);
    this.#details.set(userId, value);
    void this.#load(userId);
    return value;
  }

  async #load(userId: UserId): Promise<void> {
    const { client, crypto, persons } = this.#context;
    const value = this.#details.get(userId);
    if (value === undefined) return;
    const [profile] = await Promise.all([
      client.getProfileInfo(userId).catch(() => null),
      crypto.userHasCrossSigningKeys(userId, true).catch(() => false),
    ]);
    const trust = await trustOf(this.#context, userId).catch(() => "none" as const);
    const next: PersonDetails = {
      ...persons.of(userId, profile?.displayname, profile?.avatar_url),
      trust,
      directRoomId: this.#direct.existing(userId)?.roomId ?? null,
    };
    if (JSON.stringify(next) !== JSON.stringify(value.getSnapshot())) value.set(next);
  }
}
