import type { Session } from "../matrix/api";
import type { OwnProfile, RoomId } from "../matrix/types";
import { AddPeopleViewModel } from "./AddPeopleViewModel";
import { ConversationViewModel } from "./ConversationViewModel";
import { DownloadsViewModel } from "./DownloadsViewModel";
import { Drafts } from "./Drafts";
import type { Environment } from "./environment";
import { NewConversationViewModel } from "./NewConversationViewModel";
import { NotificationsViewModel } from "./NotificationsViewModel";
import { PicturesViewModel } from "./PicturesViewModel";
import { RoomListViewModel } from "./RoomListViewModel";

/** Everything that conversations need for as long as one session is open. */
export class Messenger {
  readonly roomList: RoomListViewModel;
  readonly notifications: NotificationsViewModel;
  readonly downloads: DownloadsViewModel;
  readonly pictures: PicturesViewModel;
  readonly #session: Session;
  readonly #environment: Environment;
  readonly #drafts = new Drafts();

  constructor(session: Session, environment: Environment, pixelRatio = globalThis.devicePixelRatio ?? 1) {
    this.#session = session;
    this.#environment = environment;
    this.roomList = new RoomListViewModel(session.rooms, session.connection, environment);
    this.notifications = new NotificationsViewModel(session.notifications, environment);
    this.downloads = new DownloadsViewModel(session.media, environment);
    this.pictures = new PicturesViewModel(session.media, pixelRatio);
  }

  /** Who is signed in. */
  get me(): OwnProfile {
    return this.#session.me.getSnapshot();
  }

  /** A conversation to be shown; dispose it when another one is. */
  conversation(roomId: RoomId): ConversationViewModel {
    return new ConversationViewModel(this.#session, roomId, this.#drafts, this.#environment);
  }

  /** For the dialog that starts a conversation or makes a group. */
  newConversation(): NewConversationViewModel {
    return new NewConversationViewModel(this.#session.rooms, this.#session.people, this.me.userId, this.#environment);
  }

  /** For the dialog that adds people to a group. */
  addPeople(roomId: RoomId): AddPeopleViewModel {
    const { rooms, people } = this.#session;
    return new AddPeopleViewModel(rooms, people, roomId, rooms.details(roomId), this.#environment);
  }

  /** Ends everything; unsent drafts are forgotten. */
  dispose(): void {
    this.roomList.dispose();
    this.notifications.dispose();
    this.downloads.dispose();
    this.#drafts.clear((url) => this.#environment.revokeUrl(url));
  }
}
