import type { Session } from "../matrix/api";
import type { ConfirmationReason, PendingConfirmation } from "../matrix/types";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** The question to confirm where the account signs in; null while nothing waits for it. */
export type ConfirmationSnapshot = {
  /** The page was opened: it is the other tab's turn. */
  readonly opened: boolean;
  readonly why: ConfirmationReason;
} | null;

/** Has a sensitive action confirmed in another tab, and goes on when the person comes back from there. */
export class ConfirmationViewModel extends ViewModel<ConfirmationSnapshot> {
  readonly #environment: Pick<Environment, "attention" | "openTab">;
  #pending: PendingConfirmation | null = null;
  #opened = false;

  constructor(session: Pick<Session, "confirmation">, environment: Pick<Environment, "attention" | "openTab">) {
    super(null);
    this.#environment = environment;
    const show = () => {
      this.#pending = session.confirmation.getSnapshot();
      if (this.#pending === null) {
        this.set(null);
        return;
      }
      const { why } = this.#pending;
      // Who came back too early still has the page in the other tab.
      if (why !== "again") this.#opened = false;
      this.set({ opened: this.#opened, why });
    };
    this.own(session.confirmation.subscribe(show));
    this.own(environment.attention.subscribe(() => this.#comeBack()));
    show();
  }

  /** Opens the page in another tab. Call it in the click's own task: browsers allow it only then. */
  open(): void {
    if (this.#pending === null) return;
    this.#environment.openTab(this.#pending.address);
    this.#opened = true;
    this.patch({ opened: true });
  }

  /** The person says that it is confirmed. */
  proceed(): void {
    this.#pending?.proceed();
  }

  cancel(): void {
    this.#pending?.cancel();
  }

  #comeBack(): void {
    if (this.#environment.attention.getSnapshot() && this.getSnapshot()?.opened) this.proceed();
  }
}
