import type { VerificationActions } from "../matrix/api";
import { type FailureInfo, toFailure } from "../matrix/errors";
import type { VerificationFlow } from "../matrix/types";
import { ViewModel } from "./ViewModel";

/** What is shown of verifications. */
export interface VerificationSnapshot {
  /** The one in the dialog: begun here, or accepted here. */
  readonly shown: VerificationFlow | null;
  /** Somebody, or another of my devices, asks: the oldest unanswered one. */
  readonly incoming: VerificationFlow | null;
  /** An answer is on its way. */
  readonly busy: boolean;
  /** The last request or answer did not get through. */
  readonly failure: FailureInfo | null;
}

const hasEnded = ({ step }: VerificationFlow): boolean => step.status === "done" || step.status === "cancelled";

/** Comparing emojis with another device or person: one dialog at a time, and a notice for who asks. */
export class VerificationViewModel extends ViewModel<VerificationSnapshot> {
  readonly #actions: VerificationActions;
  /** Flows that this page takes part in: begun or accepted here. */
  readonly #mine = new Set<string>();
  /** Flows whose success shows by what opens: the dialog goes by itself. */
  readonly #passing = new Set<string>();

  constructor(actions: VerificationActions) {
    super({ shown: null, incoming: null, busy: false, failure: null });
    this.#actions = actions;
    this.own(actions.flows.subscribe(() => this.#update()));
    this.#update();
  }

  /** Asks my other devices, or the one named. */
  async requestOwn(deviceId?: string): Promise<void> {
    await this.#act(async () => {
      await this.#actions.requestOwn(deviceId);
    });
  }

  /** On a new device, before anything can be read: asks my other devices. Once confirmed, the conversations are the answer. */
  async requestEntry(): Promise<void> {
    await this.#act(async () => {
      this.#passing.add(await this.#actions.requestOwn());
    });
  }

  /** Asks a person, through the direct conversation. */
  async requestPerson(userId: string): Promise<void> {
    await this.#act(async () => {
      await this.#actions.requestPerson(userId);
    });
  }

  /** Takes up the request that is shown as incoming. */
  async accept(): Promise<void> {
    const { incoming } = this.getSnapshot();
    if (!incoming) return;
    this.#mine.add(incoming.id);
    await this.#act(() => this.#actions.accept(incoming.id));
  }

  /** Declines the request that is shown as incoming. */
  async decline(): Promise<void> {
    const { incoming } = this.getSnapshot();
    if (!incoming) return;
    await this.#act(async () => {
      await this.#actions.cancel(incoming.id);
      this.#actions.dismiss(incoming.id);
    });
  }

  /** "They are the same." */
  async confirm(): Promise<void> {
    const { shown } = this.getSnapshot();
    if (shown) await this.#act(() => this.#actions.confirm(shown.id));
  }

  /** "They are different." */
  async differ(): Promise<void> {
    const { shown } = this.getSnapshot();
    if (shown) await this.#act(() => this.#actions.mismatch(shown.id));
  }

  /** Closes the dialog: gives up a verification under way, takes an ended one away. */
  async close(): Promise<void> {
    const { shown } = this.getSnapshot();
    this.patch({ failure: null });
    if (!shown) return;
    if (!hasEnded(shown)) await this.#act(() => this.#actions.cancel(shown.id));
    this.#actions.dismiss(shown.id);
  }

  /** After a verification that failed: asks the same device or person again. */
  async again(): Promise<void> {
    const { shown } = this.getSnapshot();
    if (!shown || !hasEnded(shown)) return;
    this.#actions.dismiss(shown.id);
    if (shown.self) await this.requestOwn();
    else await this.requestPerson(shown.other.userId);
  }

  /** Takes the failure of a request that could not begin away. */
  dismissFailure(): void {
    this.patch({ failure: null });
  }

  async #act(action: () => Promise<void>): Promise<void> {
    if (this.getSnapshot().busy) return;
    this.patch({ busy: true, failure: null });
    try {
      await action();
    } catch (error) {
      this.patch({ failure: toFailure(error).info });
    } finally {
      this.patch({ busy: false });
      this.#update();
    }
  }

  #update(): void {
    const flows = this.#actions.flows.getSnapshot();
    for (const flow of flows) {
      if (flow.startedByMe) this.#mine.add(flow.id);
      if (flow.step.status === "done" && this.#passing.has(flow.id)) queueMicrotask(() => this.#actions.dismiss(flow.id));
      // Answered elsewhere, withdrawn or run out before anybody looked: nothing to say here.
      else if (hasEnded(flow) && !this.#mine.has(flow.id)) queueMicrotask(() => this.#actions.dismiss(flow.id));
    }
    this.patch({
      shown: flows.find((flow) => this.#mine.has(flow.id)) ?? null,
      incoming: flows.find((flow) => !this.#mine.has(flow.id) && flow.step.status === "requested") ?? null,
    });
  }
}
