import type { Session } from "../matrix/api";
import type { Environment } from "./environment";
import { type FormSnapshot, FormViewModel } from "./FormViewModel";
import { type PasswordProblem, passwordProblem } from "./passwordRule";

/** The form that changes the password. */
export interface PasswordChangeSnapshot extends FormSnapshot {
  readonly current: string;
  readonly password: string;
  readonly passwordProblem: PasswordProblem;
  readonly signOutOthers: boolean;
  readonly changed: boolean;
  /** False for accounts that sign in elsewhere only: there is nothing to change here. */
  readonly hasPassword: boolean;
}

/** What of a session {@link PasswordChangeViewModel} needs. */
export interface PasswordSession extends Pick<Session, "changePassword" | "me"> {
  readonly security: Pick<Session["security"], "asksPassword">;
}

/** Changes the password while signed in. */
export class PasswordChangeViewModel extends FormViewModel<PasswordChangeSnapshot> {
  readonly #session: PasswordSession;

  constructor(session: PasswordSession, environment: Environment) {
    super(
      {
        busy: false,
        failure: null,
        waitSeconds: 0,
        current: "",
        password: "",
        passwordProblem: "short",
        signOutOthers: false,
        changed: false,
        hasPassword: true,
      },
      environment,
    );
    this.#session = session;
  }

  /** Finds out whether there is a password. */
  async start(): Promise<void> {
    // Who cannot be told sees the form: the server says then what is wrong with it.
    const hasPassword = await this.#session.security.asksPassword().catch(() => true);
    if (!this.disposed) this.patch({ hasPassword });
  }

  setCurrent(current: string): void {
    this.patch({ current, failure: null });
  }

  setPassword(password: string): void {
    // The name stands in for the address, which this page does not know.
    const name = this.#session.me.getSnapshot().displayName.split(/\s+/).join(".");
    this.patch({ password, passwordProblem: passwordProblem(password, name), failure: null });
  }

  setSignOutOthers(signOutOthers: boolean): void {
    this.patch({ signOutOthers });
  }

  async submit(): Promise<void> {
    const { current, password, passwordProblem: problem, signOutOthers } = this.getSnapshot();
    if (current === "" || problem !== null) return;
    const changed = await this.attempt(() => this.#session.changePassword(current, password, signOutOthers).then(() => true));
    if (changed) this.patch({ changed: true, current: "", password: "", passwordProblem: "short" });
    else if (this.getSnapshot().failure?.kind === "wrong-password") this.patch({ current: "" });
  }
}
