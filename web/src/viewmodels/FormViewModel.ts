import { type FailureInfo, toFailure } from "../matrix/errors";
import { Countdown } from "./Countdown";
import type { Environment } from "./environment";
import { ViewModel } from "./ViewModel";

/** What every form shows besides its own fields. */
export interface FormSnapshot {
  /** An answer is awaited: fields stay, buttons wait. */
  readonly busy: boolean;
  readonly failure: FailureInfo | null;
  /** Seconds until the server takes another attempt; 0 when it does. */
  readonly waitSeconds: number;
}

/** A form that asks the server something: one request at a time, its failure, and the wait that a rate limit asks for. */
export abstract class FormViewModel<Snapshot extends FormSnapshot> extends ViewModel<Snapshot> {
  protected readonly environment: Environment;
  readonly #wait: Countdown;

  protected constructor(initial: Snapshot, environment: Environment) {
    super(initial);
    this.environment = environment;
    this.#wait = new Countdown(environment, (waitSeconds) => {
      const limited = this.getSnapshot().failure?.kind === "rate-limited";
      this.patch({ waitSeconds, ...(waitSeconds === 0 && limited ? { failure: null } : {}) } as Partial<Snapshot>);
    });
    this.own(() => this.#wait.stop());
  }

  /** Runs `action` unless another runs or the server asked to wait. Resolves to its value, or null if it failed or did not run. */
  protected async attempt<Result>(action: () => Promise<Result>): Promise<Result | null> {
    const { busy, waitSeconds } = this.getSnapshot();
    if (busy || waitSeconds > 0) return null;
    this.patch({ busy: true, failure: null } as Partial<Snapshot>);
    try {
      return await action();
    } catch (error) {
      this.fail(toFailure(error).info);
      return null;
    } finally {
      this.patch({ busy: false } as Partial<Snapshot>);
    }
  }

  /** Shows `failure`, and counts its wait down if it has one. */
  protected fail(failure: FailureInfo): void {
    this.patch({ failure } as Partial<Snapshot>);
    if (failure.kind === "rate-limited") this.#wait.start(failure.retryAfterMs ?? 5000);
  }
}
