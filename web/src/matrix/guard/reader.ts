/**
 * What an event says, if it may be shown: the one way from a received event to
 * its content. Decrypts on demand, asks the cryptography who sent it, and
 * gives nothing to show until both have answered.
 */
import { type MatrixClient, type MatrixEvent, MatrixEventEvent } from "matrix-js-sdk";
import { type CryptoApi, CryptoEvent, EventShieldColour, EventShieldReason } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { UnreadableReason, UntrustedReason } from "../types";
import { judgeShield, mustBeEncrypted, type ShieldName, unreadableOrUntrusted } from "./decisions";
import { SenderInquiries } from "./inquiries";
import type { EncryptionLatch } from "./latch";
import { queryDevices } from "./olm-machine";

/** What is known of an event's content. */
export type Reading =
  | { readonly state: "pending" }
  | {
      readonly state: "readable";
      readonly type: string;
      readonly content: Readonly<Record<string, unknown>>;
      readonly unproven: boolean;
    }
  | { readonly state: "unreadable"; readonly reason: UnreadableReason }
  | { readonly state: "untrusted"; readonly reason: UntrustedReason };

/** Whether somebody looks at it now, or it is only for a list. */
export type ReadUrgency = "now" | "later";

const PENDING: Reading = { state: "pending" };
/** Events opened at the same time; the cryptography is one thread anyway. */
const PARALLEL = 4;

interface Entry {
  /** When it was first looked at, by `performance.now()`. */
  readonly seenAt: number;
  reading: Reading;
  /** Counts up when what was known may no longer hold. */
  epoch: number;
}

/** Reads events, see the file's head. */
export class EventReader {
  readonly #client: MatrixClient;
  readonly #crypto: CryptoApi;
  readonly #latch: EncryptionLatch;
  readonly #entries = new WeakMap<MatrixEvent, Entry>();
  /** Events read so far by sender, to look again when trust in the sender changes. */
  readonly #bySender = new Map<string, Set<WeakRef<MatrixEvent>>>();
  readonly #listeners = new Set<(event: MatrixEvent) => void>();
  readonly #now: MatrixEvent[] = [];
  readonly #later: MatrixEvent[] = [];
  readonly #queued = new WeakSet<MatrixEvent>();
  /** Events that this device wrote itself: nobody need prove their sender when they come back. */
  readonly #writtenHere = new WeakSet<MatrixEvent>();
  readonly #inquiries: SenderInquiries;
  /** Events whose sender's devices changed since they were last opened. */
  readonly #devicesChanged = new WeakSet<MatrixEvent>();
  #running = 0;
  #closed = false;

  constructor(client: MatrixClient, crypto: CryptoApi, latch: EncryptionLatch, random: () => number = Math.random) {
    this.#client = client;
    this.#crypto = crypto;
    this.#latch = latch;
    this.#inquiries = new SenderInquiries({
      query: (sender) => queryDevices(crypto, sender),
      isUnproven: (sender) => this.#unprovenOf(sender).length > 0,
      onChange: (sender) => {
        for (const event of this.#unprovenOf(sender)) this.#judgeAgain(event);
      },
      random,
    });
    client.on(MatrixEventEvent.Decrypted, this.#onDecrypted);
    client.on(CryptoEvent.UserTrustStatusChanged, this.#onTrustChanged);
    client.on(CryptoEvent.DevicesUpdated, this.#onDevicesUpdated);
  }

  close(): void {
    this.#closed = true;
    this.#client.off(MatrixEventEvent.Decrypted, this.#onDecrypted);
    this.#client.off(CryptoEvent.UserTrustStatusChanged, this.#onTrustChanged);
    this.#client.off(CryptoEvent.DevicesUpdated, this.#onDevicesUpdated);
    this.#listeners.clear();
    this.#inquiries.close();
    this.#now.length = 0;
    this.#later.length = 0;
  }

  /** Calls `listener` with each event whose reading changed. */
  subscribe(listener: (event: MatrixEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is known now; if nothing yet, starts to find out. */
  read(event: MatrixEvent, urgency: ReadUrgency = "now"): Reading {
    const known = this.#entries.get(event);
    if (known !== undefined && known.reading !== PENDING) return known.reading;
    const direct = this.#readDirectly(event);
    if (direct !== null) return direct;
    if (known === undefined) {
      this.#entries.set(event, { seenAt: performance.now(), reading: PENDING, epoch: 0 });
      this.#rememberSender(event);
    }
    this.#enqueue(event, urgency);
    return PENDING;
  }

  /** Resolves once the event can be read or certainly cannot (for now). */
  async settle(event: MatrixEvent): Promise<Reading> {
    const first = this.read(event);
    if (first.state !== "pending") return first;
    return new Promise((resolve) => {
      const stop = this.subscribe((changed) => {
        if (changed !== event) return;
        const reading = this.read(event);
        if (reading.state === "pending") return;
        stop();
        resolve(reading);
      });
    });
  }

  /** Readings that need no waiting: my own unsent events, and what is never encrypted. */
  #readDirectly(event: MatrixEvent): Reading | null {
    if (event.status !== null) this.#writtenHere.add(event);
    if (this.#writtenHere.has(event)) return readable(event, false);
    if (event.isRedacted()) return readable(event, false);
    if (event.isEncrypted()) return null;
    // A message in clear in a conversation known to be encrypted: anybody at the server could have put it there.
    if (mustBeEncrypted(event.getType()) && this.#roomIsEncrypted(event.getRoomId())) {
      const verification = event.getContent()["msgtype"] === "m.key.verification.request";
      if (!verification) return { state: "untrusted", reason: "sent-in-clear" };
    }
    return readable(event, false);
  }

  #roomIsEncrypted(roomId: string | undefined): boolean {
    if (roomId === undefined) return true;
    if (this.#latch.get(roomId) !== null) return true;
    return this.#client.getRoom(roomId)?.hasEncryptionStateEvent() ?? false;
  }

  #enqueue(event: MatrixEvent, urgency: ReadUrgency): void {
    if (this.#closed || this.#queued.has(event)) return;
    this.#queued.add(event);
    (urgency === "now" ? this.#now : this.#later).push(event);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < PARALLEL) {
      const event = this.#now.shift() ?? this.#later.shift();
      if (event === undefined) return;
      this.#running += 1;
      void this.#open(event).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  async #open(event: MatrixEvent): Promise<void> {
    const entry = this.#entries.get(event);
    if (entry === undefined) return;
    const epoch = entry.epoch;
    const reading = await this.#judge(event, entry).catch((): Reading => ({ state: "unreadable", reason: "unknown" }));
    this.#queued.delete(event);
    if (this.#closed) return;
    if (entry.epoch !== epoch) {
      this.#enqueue(event, "now");
      return;
    }
    if (sameReading(entry.reading, reading)) return;
    entry.reading = reading;
    for (const listener of [...this.#listeners]) listener(event);
  }

  async #judge(event: MatrixEvent, entry: Entry): Promise<Reading> {
    await this.#client.decryptEventIfNeeded(event);
    if (this.#devicesChanged.delete(event) && event.isDecryptionFailure()) await this.#decryptAgain(event);
    const reading = await this.#judgeDecrypted(event);
    if (!isOfUnprovenDevice(reading)) return reading;
    // Nobody is accused before the server was asked for the sender's devices; what is hidden already stays so.
    const waits = this.#inquiries.waits(event.getSender() ?? "", entry.seenAt);
    return waits && entry.reading === PENDING ? PENDING : reading;
  }

  async #judgeDecrypted(event: MatrixEvent): Promise<Reading> {
    if (event.isRedacted()) return readable(event, false);
    if (event.isDecryptionFailure()) {
      const failed = unreadableOrUntrusted(event.decryptionFailureReason);
      return "untrusted" in failed
        ? { state: "untrusted", reason: failed.untrusted }
        : { state: "unreadable", reason: failed.unreadable };
    }
    const info = await this.#crypto.getEncryptionInfoForEvent(event);
    // Decrypted, yet the cryptography knows nothing of it: no proof of the sender at all.
    if (info === null) return { state: "untrusted", reason: "unknown-device" };
    const shield = info.shieldReason === null ? null : (EventShieldReason[info.shieldReason] as ShieldName);
    const verdict = judgeShield(shield, info.shieldColour === EventShieldColour.RED);
    if (verdict.untrusted !== null) return { state: "untrusted", reason: verdict.untrusted };
    return readable(event, verdict.unproven);
  }

  /** Decrypts an event whose decryption failed before: the client's own method leaves such events alone. */
  async #decryptAgain(event: MatrixEvent): Promise<void> {
    const backend = this.#crypto as unknown as Parameters<MatrixEvent["attemptDecryption"]>[0];
    await event.attemptDecryption(backend, { isRetry: true });
  }

  /** Tries again what could not be read because this device could not open the backup. */
  retryLocked(): void {
    for (const sender of this.#bySender.keys()) {
      for (const event of this.#eventsOf(sender)) {
        const reading = this.#entries.get(event)?.reading;
        if (reading?.state !== "unreadable" || reading.reason !== "backup-locked") continue;
        // The answer comes as a decryption like any other.
        this.#decryptAgain(event).catch(() => undefined);
      }
    }
  }

  readonly #onDecrypted = (event: MatrixEvent): void => {
    this.#invalidate(event);
  };

  readonly #onTrustChanged = (userId: string): void => {
    for (const event of this.#eventsOf(userId)) this.#invalidate(event);
  };

  /** Devices that a message came from may be known and signed by now: also for what is being judged. */
  readonly #onDevicesUpdated = (userIds: string[]): void => {
    for (const userId of userIds) {
      for (const event of this.#unprovenOf(userId)) this.#judgeAgain(event);
    }
  };

  /** Looks at an event again, as other devices of its sender are known now. */
  #judgeAgain(event: MatrixEvent): void {
    this.#devicesChanged.add(event);
    this.#invalidate(event);
  }

  /** Looks at an event again; what was shown stays until the new answer is there. */
  #invalidate(event: MatrixEvent): void {
    const entry = this.#entries.get(event);
    if (entry === undefined) return;
    entry.epoch += 1;
    this.#enqueue(event, "now");
  }

  /** The events read so far of a sender that are still in memory. */
  #eventsOf(sender: string): MatrixEvent[] {
    const references = this.#bySender.get(sender);
    const events: MatrixEvent[] = [];
    for (const reference of references ?? []) {
      const event = reference.deref();
      if (event === undefined) references?.delete(reference);
      else events.push(event);
    }
    return events;
  }

  /** Of these, the ones that nothing proves yet, or that are still being looked at. */
  #unprovenOf(sender: string): MatrixEvent[] {
    return this.#eventsOf(sender).filter((event) => {
      const reading = this.#entries.get(event)?.reading;
      return reading !== undefined && (reading === PENDING || isOfUnprovenDevice(reading));
    });
  }

  #rememberSender(event: MatrixEvent): void {
    const sender = event.getSender();
    if (sender === undefined) return;
    const references = this.#bySender.get(sender) ?? new Set();
    references.add(new WeakRef(event));
    this.#bySender.set(sender, references);
  }
}

/** Whether an event was refused because nothing proves yet whose device sent it. */
function isOfUnprovenDevice(reading: Reading): boolean {
  return reading.state === "untrusted" && (reading.reason === "unsigned-device" || reading.reason === "unknown-device");
}

function readable(event: MatrixEvent, unproven: boolean): Reading {
  return { state: "readable", type: event.getType(), content: event.getOriginalContent(), unproven };
}

function sameReading(a: Reading, b: Reading): boolean {
  if (a.state !== b.state) return false;
  if (a.state === "readable" && b.state === "readable") {
    return a.content === b.content && a.unproven === b.unproven && a.type === b.type;
  }
  return "reason" in a && "reason" in b ? a.reason === b.reason : true;
}
