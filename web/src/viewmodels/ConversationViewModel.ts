import type { Session } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { RoomDetails, RoomId, UserId } from "../matrix/types";
import { ComposerViewModel } from "./ComposerViewModel";
import type { Drafts } from "./Drafts";
import type { Environment } from "./environment";
import { TimelineViewModel } from "./TimelineViewModel";
import { ViewModel } from "./ViewModel";

/** What a conversation shows around its messages. */
export interface ConversationSnapshot {
  /** `gone`: left, or never a member. */
  readonly status: "loading" | "open" | "gone";
  readonly details: RoomDetails | null;
  /** People whose new identity is being accepted. */
  readonly approving: readonly UserId[];
  readonly approveFailure: FailureInfo | null;
  readonly leaving: boolean;
  readonly leaveFailure: FailureInfo | null;
  /** A new name or a removal is on its way. */
  readonly managing: boolean;
  readonly manageFailure: FailureInfo | null;
}

/** Longest name of a conversation, in characters. */
const LONGEST_NAME = 255;

/** One open conversation: its messages, its composer, its people. */
export class ConversationViewModel extends ViewModel<ConversationSnapshot> {
  readonly roomId: RoomId;
  readonly timeline: TimelineViewModel;
  readonly composer: ComposerViewModel;
  readonly #session: Session;

  constructor(session: Session, roomId: RoomId, drafts: Drafts, environment: Environment) {
    super({
      status: "loading",
      details: null,
      approving: [],
      approveFailure: null,
      leaving: false,
      leaveFailure: null,
      managing: false,
      manageFailure: null,
    });
    this.roomId = roomId;
    this.#session = session;
    const timeline = session.timeline(roomId);
    const details = session.rooms.details(roomId);
    this.timeline = new TimelineViewModel(timeline, details, environment);
    this.composer = new ComposerViewModel({ roomId, timeline, details, media: session.media, drafts, environment });
    this.own(() => this.timeline.dispose());
    this.own(() => this.composer.dispose());
    const update = () => {
      const known = details.getSnapshot();
      const loading = session.rooms.list.getSnapshot().loading;
      this.patch({ details: known, status: known ? "open" : loading ? "loading" : "gone" });
    };
    this.own(details.subscribe(update));
    this.own(session.rooms.list.subscribe(update));
    update();
  }

  /** Accepts a changed identity as the person's own, without comparing; sending goes on. */
  async approve(userId: UserId): Promise<void> {
    const { approving } = this.getSnapshot();
    if (approving.includes(userId)) return;
    this.patch({ approving: [...approving, userId], approveFailure: null });
    try {
      await this.#session.rooms.approveIdentity(userId);
    } catch (error) {
      this.patch({ approveFailure: toFailure(error).info });
    } finally {
      this.patch({ approving: this.getSnapshot().approving.filter((one) => one !== userId) });
    }
  }

  /** Leaves the conversation. True once it is left. */
  async leave(): Promise<boolean> {
    if (this.getSnapshot().leaving) return false;
    this.patch({ leaving: true, leaveFailure: null });
    try {
      await this.#session.rooms.leave(this.roomId);
      return true;
    } catch (error) {
      this.patch({ leaveFailure: toFailure(error).info });
      return false;
    } finally {
      this.patch({ leaving: false });
    }
  }

  /** Gives the group another name. True once it has it. */
  rename(name: string): Promise<boolean> {
    const trimmed = name.trim().slice(0, LONGEST_NAME);
    if (trimmed === "" || trimmed === this.getSnapshot().details?.name) return Promise.resolve(trimmed !== "");
    return this.#manage(() => this.#session.rooms.rename(this.roomId, trimmed));
  }

  /** Takes somebody out of the conversation. True once it is done. */
  remove(userId: UserId): Promise<boolean> {
    return this.#manage(() => this.#session.rooms.removeMember(this.roomId, userId));
  }

  /** The person closed the question whether to rename or remove. */
  dismissManageFailure(): void {
    this.patch({ manageFailure: null });
  }

  async #manage(action: () => Promise<void>): Promise<boolean> {
    if (this.getSnapshot().managing) return false;
    this.patch({ managing: true, manageFailure: null });
    try {
      await action();
      return true;
    } catch (error) {
      this.patch({ manageFailure: toFailure(error).info });
      return false;
    } finally {
      this.patch({ managing: false });
    }
  }

  /** The person closed the question whether to leave. */
  dismissLeaveFailure(): void {
    this.patch({ leaveFailure: null });
  }
}
