/** Confirming a sensitive action where the account signs in: at a provider, for people without a password here. */
import { Failure } from "../errors";
import { Value } from "../observable";
import type { ConfirmationReason, PendingConfirmation } from "../types";

/** Has the person confirm what an authentication session of the server (`session`) is about, and come back. */
export type ConfirmElsewhere = (session: string, why: ConfirmationReason) => Promise<void>;

/** One question after the other; see {@link PendingConfirmation}. */
export class ConfirmationsElsewhere {
  readonly pending = new Value<PendingConfirmation | null>(null);
  readonly #baseUrl: string;
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  readonly ask: ConfirmElsewhere = (session, why) => {
    const asked = this.#last.then(() => this.#ask(session, why));
    this.#last = asked.catch(() => undefined);
    return asked;
  };

  /** Nobody confirms anything any more. */
  close(): void {
    this.#isClosed = true;
    this.pending.getSnapshot()?.cancel();
  }

  /** The same for what follows a confirmation of the same action. */
  readonly askNext: ConfirmElsewhere = (session, why) => this.ask(session, why === "first" ? "next" : why);

  #ask(session: string, why: ConfirmationReason): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Failure("cancelled"));
    const query = new URLSearchParams({ session });
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => () => {
        this.pending.set(null);
        settle();
      };
      this.pending.set({
        address: `${this.#baseUrl}/_matrix/client/v3/auth/m.login.sso/fallback/web?${query}`,
        why,
        proceed: done(resolve),
        cancel: done(() => reject(new Failure("cancelled"))),
      });
    });
  }
}
