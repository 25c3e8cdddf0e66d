import type { Session } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { SignOutLoss } from "../matrix/types";
import type { Environment } from "./environment";
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

/** How long what is on its way may take before it is looked at again, in milliseconds. */
const LOOK_AGAIN_MS = 2_000;

/** Whether `later` loses nothing that `before` did not: what was accepted still is. */
function isNoWorse(later: SignOutLoss, before: SignOutLoss): boolean {
  return (
    later.unsentMessages <= before.unsentMessages &&
    later.keysNotSaved <= before.keysNotSaved &&
    (before.noRecovery || !later.noRecovery)
  );
}

/** Says what a sign-out would lose, and signs out only once that is accepted. What saves itself while one waits disappears. */
export class SignOutViewModel extends ViewModel<SignOutSnapshot> {
  readonly #session: Pick<Session, "lossOnSignOut">;
  readonly #environment: Pick<Environment, "after">;
  readonly #signOut: () => Promise<void>;
  #round = 0;
  #stopLooking: (() => void) | null = null;

  constructor(session: Pick<Session, "lossOnSignOut">, environment: Pick<Environment, "after">, signOut: () => Promise<void>) {
    super({ phase: "closed" });
    this.#session = session;
    this.#environment = environment;
    this.#signOut = signOut;
    this.own(() => this.#stopLooking?.());
  }

  /** Opens the dialog and looks at what would be lost. */
  async open(): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    this.set({ phase: "checking" });
    try {
      const loss = await this.#session.lossOnSignOut();
      if (round !== this.#round) return;
      this.set({ phase: "asking", loss, loses: losesSomething(loss), accepted: false });
      this.#lookAgainLater(round);
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
    this.#stopLooking?.();
    this.set({ phase: "closed" });
  }

  #lookAgainLater(round: number): void {
    this.#stopLooking?.();
    this.#stopLooking = this.#environment.after(LOOK_AGAIN_MS, () => void this.#lookAgain(round));
  }

  /** Messages leave and keys are saved by themselves: nobody should have to ask for it. */
  async #lookAgain(round: number): Promise<void> {
    // A failure in between changes nothing of what was said.
    const loss = await this.#session.lossOnSignOut().catch(() => null);
    const snapshot = this.getSnapshot();
    if (round !== this.#round || snapshot.phase !== "asking" || this.disposed) return;
    if (loss) {
      const accepted = snapshot.accepted && isNoWorse(loss, snapshot.loss);
      this.set({ phase: "asking", loss, loses: losesSomething(loss), accepted });
    }
    this.#lookAgainLater(round);
  }
}
