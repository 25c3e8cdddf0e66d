import type { Session } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { OwnProfile } from "../matrix/types";
import { ViewModel } from "./ViewModel";

/** The longest display name, in characters. */
export const longestDisplayName = 80;

/** My own page in the settings. */
export interface ProfileSnapshot {
  readonly me: OwnProfile;
  readonly name: string;
  /** The name differs from the one in use and may be saved. */
  readonly changed: boolean;
  readonly savingName: boolean;
  readonly savingPicture: boolean;
  readonly failure: FailureInfo | null;
}

/** The name and the picture of the person who is signed in. */
export class ProfileViewModel extends ViewModel<ProfileSnapshot> {
  readonly #session: Pick<Session, "me" | "setDisplayName" | "setAvatar">;
  #touched = false;

  constructor(session: Pick<Session, "me" | "setDisplayName" | "setAvatar">) {
    const me = session.me.getSnapshot();
    super({ me, name: me.displayName, changed: false, savingName: false, savingPicture: false, failure: null });
    this.#session = session;
    this.own(session.me.subscribe(() => this.#follow()));
  }

  setName(name: string): void {
    this.#touched = true;
    this.patch({ name: name.slice(0, longestDisplayName), failure: null });
    this.#compare();
  }

  async saveName(): Promise<void> {
    const { name, changed, savingName } = this.getSnapshot();
    if (!changed || savingName) return;
    this.patch({ savingName: true, failure: null });
    try {
      await this.#session.setDisplayName(name.trim());
      this.#touched = false;
    } catch (error) {
      this.patch({ failure: toFailure(error).info });
    } finally {
      this.patch({ savingName: false });
      this.#follow();
    }
  }

  /** Shows `picture` to everybody from now on; null takes the present one away. */
  async savePicture(picture: Blob | null): Promise<void> {
    if (this.getSnapshot().savingPicture) return;
    this.patch({ savingPicture: true, failure: null });
    try {
      await this.#session.setAvatar(picture);
    } catch (error) {
      this.patch({ failure: toFailure(error).info });
    } finally {
      this.patch({ savingPicture: false });
      this.#follow();
    }
  }

  #follow(): void {
    const me = this.#session.me.getSnapshot();
    // What is being typed is never overwritten by what arrives.
    this.patch({ me, ...(this.#touched ? {} : { name: me.displayName }) });
    this.#compare();
  }

  #compare(): void {
    const { name, me } = this.getSnapshot();
    this.patch({ changed: name.trim() !== "" && name.trim() !== me.displayName });
  }
}
