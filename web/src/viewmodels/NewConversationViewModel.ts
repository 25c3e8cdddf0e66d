import type { PeopleActions, RoomsActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { Person, RoomId, UserId } from "../matrix/types";
import type { Environment } from "./environment";
import { PeopleSearchViewModel } from "./PeopleSearchViewModel";
import { ViewModel } from "./ViewModel";

/** Longest name of a group, in characters. */
export const LONGEST_GROUP_NAME = 255;

/** What the dialog for a new conversation shows, besides its search. */
export interface NewConversationSnapshot {
  /** With one person, or a group with a name. */
  readonly kind: "person" | "group";
  readonly groupName: string;
  /** The conversation is being made. */
  readonly busy: boolean;
  readonly failure: FailureInfo | null;
  /** The name was left empty. */
  readonly nameMissing: boolean;
}

/** Starts a conversation with a person, or makes a group. Both are always encrypted. */
export class NewConversationViewModel extends ViewModel<NewConversationSnapshot> {
  /** Finds and picks the people. */
  readonly search: PeopleSearchViewModel;
  readonly #rooms: RoomsActions;

  constructor(rooms: RoomsActions, people: PeopleActions, me: UserId, environment: Environment) {
    super({ kind: "person", groupName: "", busy: false, failure: null, nameMissing: false });
    this.#rooms = rooms;
    this.search = new PeopleSearchViewModel(people, environment, () => new Set([me]));
    this.own(() => this.search.dispose());
  }

  /** Goes from a single person to a group or back. */
  setKind(kind: NewConversationSnapshot["kind"]): void {
    this.patch({ kind, failure: null, nameMissing: false });
  }

  /** The person names the group. */
  setGroupName(groupName: string): void {
    this.patch({ groupName: groupName.slice(0, LONGEST_GROUP_NAME), nameMissing: false });
  }

  /** Opens the conversation with `person`, the existing one if there is one. Null if it did not work. */
  start(person: Person): Promise<RoomId | null> {
    return this.#make(() => this.#rooms.openDirect(person.userId));
  }

  /** Makes the group with the people picked; a group may begin with nobody else. Null if it did not work. */
  async createGroup(): Promise<RoomId | null> {
    const name = this.getSnapshot().groupName.trim();
    if (name === "") {
      this.patch({ nameMissing: true });
      return null;
    }
    const people = this.search.getSnapshot().picked.map((person) => person.userId);
    return this.#make(() => this.#rooms.createGroup({ name, people }));
  }

  async #make(action: () => Promise<RoomId>): Promise<RoomId | null> {
    if (this.getSnapshot().busy) return null;
    this.patch({ busy: true, failure: null });
    try {
      return await action();
    } catch (error) {
      this.patch({ failure: toFailure(error).info });
      return null;
    } finally {
      this.patch({ busy: false });
    }
  }
}
