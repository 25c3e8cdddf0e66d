import type { Session } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { SignOutLoss } from "../matrix/types";
import { ViewModel } from "./ViewModel";

/** The sign-out dialog. */
export type SignOutSnapshot =
  | { readonly phase: "closed" }
  /** Looking at what would be lost. */
  | { readonly phase: "checking" }
  /** `accepted`: the person ticked that the loss is understood; asked only if `loses`. */
  | { readonly phase: "asking"; readonly loss: SignOutLoss; readonly loses: boolean; readonly accepted: boolean }
  /** What would be lost could not be found out. */
  | { readonly phase: "unsure"; readonly failure: FailureInfo; readonly accepted: boolean }
  | { readonly phase: "signing-out" };

/** Whether a sign-out would lose something for good. */
export function losesSomething({ unsentMessages, keysNotSaved, noRecovery }: SignOutLoss): boolean {
  return unsentMessages > 0 || keysNotSaved > 0 || noRecovery;
}

/** Says what a sign-out would lose, and signs out only once that is accepted. */
export class SignOutViewModel extends ViewModel<SignOutSnapshot> {
  readonly #session: Pick<Session, "lossOnSignOut">;
  readonly #signOut: () => Promise<void>;
  #round = 0;

  constructor(session: Pick<Session, "lossOnSignOut">, signOut: () => Promise<void>) {
    super({ phase: "closed" });
    this.#session = session;
    this.#signOut = signOut;
  }

  /** Opens the dialog and looks at what would be lost. */
  async open(): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    this.set({ phase: "checking" });
    try {
      const loss = await this.#session.lossOnSignOut();
      if (round === this.#round) this.set({ phase: "asking", loss, loses: losesSomething(loss), accepted: false });
    } catch (error) {
      if (round === this.#round) this.set({ phase: "unsure", failure: toFailure(error).info, accepted: false });
    }
  }

  setAccepted(accepted: boolean): void {
    const snapshot = this.getSnapshot();
    if (snapshot.phase === "asking" || snapshot.phase === "unsure") this.set({ ...snapshot, accepted });
  }

  /** Signs out, unless something would be lost that was not accepted. */
  async confirm(): Promise<void> {
    const snapshot = this.getSnapshot();
    const allowed =
      snapshot.phase === "asking" ? !snapshot.loses || snapshot.accepted : snapshot.phase === "unsure" && snapshot.accepted;
    if (!allowed) return;
    this.set({ phase: "signing-out" });
    await this.#signOut();
  }

  close(): void {
    if (this.getSnapshot().phase === "signing-out") return;
    this.#round += 1;
    this.set({ phase: "closed" });
  }
}
