/**
 * Asks the server about the devices of people whose messages nothing proves yet: a first message can
 * be here before the devices of its sender, as its key overtakes the answer about them.
 *
 * Nobody waits in line for an answer: who asks is told whether to wait, and later that something changed.
 */

/** How long messages wait for the first answer before they are hidden, in milliseconds. */
const PATIENCE_MS = 5_000;
/** About how long after an answer that proved nothing it is asked again, in milliseconds. */
const ASK_AGAIN_MS = [2_000, 10_000, 60_000] as const;
/** How long after an answer a newer message of the same sender asks anew, in milliseconds. */
const REST_MS = 60_000;

interface Inquiry {
  readonly startedAt: number;
  answeredAt: number | null;
  /** How often it was asked again. */
  repetitions: number;
  /** The end of patience, then the next time to ask. */
  timer: ReturnType<typeof setTimeout> | null;
}

/** What {@link SenderInquiries} needs. Times are of `performance.now()`, which no clock change moves. */
export interface InquiryOptions {
  /** Has the cryptography ask for somebody's devices. */
  readonly query: (sender: string) => Promise<void>;
  /** Whether any message of a sender is hidden, or waits, for want of proof. */
  readonly isUnproven: (sender: string) => boolean;
  /** The answer is there, or patience is over: messages of this sender are to be judged again. */
  readonly onChange: (sender: string) => void;
  /** From 0 up to, not including, 1: so that not everybody asks at the same moment. */
  readonly random: () => number;
}

/** See the file's head. */
export class SenderInquiries {
  readonly #options: InquiryOptions;
  readonly #inquiries = new Map<string, Inquiry>();
  #closed = false;

  constructor(options: InquiryOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#inquiries.values()) if (timer !== null) clearTimeout(timer);
    this.#inquiries.clear();
  }

  /**
   * Whether an unproven message that was first seen at `seenAt` waits for an answer. Asks if nobody
   * has; again if the message is newer than an answer of more than a minute ago, as it may come from
   * a device that is new.
   */
  waits(sender: string, seenAt: number): boolean {
    if (this.#closed) return false;
    const now = performance.now();
    const known = this.#inquiries.get(sender);
    const isOld =
      known !== undefined && known.answeredAt !== null && seenAt > known.answeredAt && now - known.answeredAt > REST_MS;
    const inquiry = known === undefined || isOld ? this.#begin(sender) : known;
    return inquiry.answeredAt === null && inquiry.repetitions === 0 && now - inquiry.startedAt < PATIENCE_MS;
  }

  #begin(sender: string): Inquiry {
    const before = this.#inquiries.get(sender)?.timer ?? null;
    if (before !== null) clearTimeout(before);
    const inquiry: Inquiry = { startedAt: performance.now(), answeredAt: null, repetitions: 0, timer: null };
    inquiry.timer = setTimeout(() => this.#options.onChange(sender), PATIENCE_MS);
    this.#inquiries.set(sender, inquiry);
    void this.#ask(sender, inquiry);
    return inquiry;
  }

  async #ask(sender: string, inquiry: Inquiry): Promise<void> {
    const isAnswered = await this.#options.query(sender).then(
      () => true,
      () => false,
    );
    if (this.#inquiries.get(sender) !== inquiry) return;
    if (inquiry.timer !== null) clearTimeout(inquiry.timer);
    inquiry.timer = null;
    inquiry.answeredAt = performance.now();
    // A server out of reach is asked for as long as something is hidden, one that answered a few times.
    const isOver = isAnswered && inquiry.repetitions >= ASK_AGAIN_MS.length;
    if (!isOver) {
      const delay = ASK_AGAIN_MS[inquiry.repetitions] ?? ASK_AGAIN_MS[ASK_AGAIN_MS.length - 1] ?? REST_MS;
      inquiry.timer = setTimeout(() => this.#askAgain(sender, inquiry), delay * (0.75 + this.#options.random() / 2));
    }
    this.#options.onChange(sender);
  }

  #askAgain(sender: string, inquiry: Inquiry): void {
    inquiry.timer = null;
    if (!this.#options.isUnproven(sender)) return;
    inquiry.repetitions += 1;
    void this.#ask(sender, inquiry);
  }
}
