import type { PeopleActions, RoomsActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Observable } from "../matrix/observable";
import type { Person, RoomDetails, RoomId } from "../matrix/types";
import type { Environment } from "./environment";
import { PeopleSearchViewModel } from "./PeopleSearchViewModel";
import { ViewModel } from "./ViewModel";

/** What the dialog for adding people shows, besides its search. */
export interface AddPeopleSnapshot {
  readonly busy: boolean;
  /** Nobody could be added. */
  readonly failure: FailureInfo | null;
  /** Some could not be added; they stay picked. */
  readonly refused: readonly { readonly person: Person; readonly failure: FailureInfo }[];
}

/** Adds people to an existing group. */
export class AddPeopleViewModel extends ViewModel<AddPeopleSnapshot> {
  /** Finds and picks the people; members are not offered. */
  readonly search: PeopleSearchViewModel;
  readonly #rooms: RoomsActions;
  readonly #roomId: RoomId;

  constructor(
    rooms: RoomsActions,
    people: PeopleActions,
    roomId: RoomId,
    details: Observable<RoomDetails | null>,
    environment: Environment,
  ) {
    super({ busy: false, failure: null, refused: [] });
    this.#rooms = rooms;
    this.#roomId = roomId;
    const members = () => new Set((details.getSnapshot()?.members ?? []).map((member) => member.userId));
    this.search = new PeopleSearchViewModel(people, environment, members);
    this.own(() => this.search.dispose());
  }

  /** Invites the people picked. True if everybody could be. */
  async submit(): Promise<boolean> {
    const { picked } = this.search.getSnapshot();
    if (this.getSnapshot().busy || picked.length === 0) return false;
    this.patch({ busy: true, failure: null, refused: [] });
    try {
      const result = await this.#rooms.invite(
        this.#roomId,
        picked.map((person) => person.userId),
      );
      for (const userId of result.invited) this.search.unpick(userId);
      const refused = result.failed.flatMap(({ userId, failure }) => {
        const person = picked.find((one) => one.userId === userId);
        return person ? [{ person, failure }] : [];
      });
      this.patch({ refused });
      return refused.length === 0;
    } catch (error) {
      this.patch({ failure: toFailure(error).info });
      return false;
    } finally {
      this.patch({ busy: false });
    }
  }
}
