import type { Session } from "../matrix/api";
import type { PendingConfirmation } from "../matrix/types";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** The question to confirm where the account signs in; null while nothing waits for it. */
export type ConfirmationSnapshot = {
  /** The page was opened: it is the other tab's turn. */
  readonly opened: boolean;
  /** The server has not heard of it although the person came back. */
  readonly again: boolean;
} | null;

/** Has a sensitive action confirmed in another tab, and goes on when the person comes back from there. */
export class ConfirmationViewModel extends ViewModel<ConfirmationSnapshot> {
  readonly #environment: Pick<Environment, "attention" | "openTab">;
  #pending: PendingConfirmation | null = null;

  constructor(session: Pick<Session, "confirmation">, environment: Pick<Environment, "attention" | "openTab">) {
    super(null);
    this.#environment = environment;
    const show = () => {
      this.#pending = session.confirmation.getSnapshot();
      this.set(this.#pending === null ? null : { opened: false, again: this.#pending.again });
    };
    this.own(session.confirmation.subscribe(show));
    this.own(environment.attention.subscribe(() => this.#comeBack()));
    show();
  }

  /** Opens the page in another tab. Call it in the click's own task: browsers allow it only then. */
  open(): void {
    if (this.#pending === null) return;
    this.#environment.openTab(this.#pending.address);
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
