/** Comparing emojis (SAS), between my own devices and between two people. */
import {
  CryptoEvent,
  type ShowSasCallbacks,
  VerificationPhase,
  type VerificationRequest,
  VerificationRequestEvent,
  type Verifier,
  VerifierEvent,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import type { VerificationActions } from "./api";
import { Failure, toFailure } from "./errors";
import { Value } from "./observable";
import { SAS_EMOJI } from "./sas-emoji";
import type { SessionContext } from "./session/context";
import type { RoomId, SasEmoji, UserId, VerificationCancelReason, VerificationFlow } from "./types";

/** The only method offered. */
export const SAS_METHOD = "m.sas.v1";

interface Flow {
  readonly id: string;
  readonly request: VerificationRequest;
  readonly startedByMe: boolean;
  verifier: Verifier | null;
  sas: ShowSasCallbacks | null;
  confirmed: boolean;
  /** The person ended it here; tells "by me" from "by the other". */
  endedHere: "cancel" | "mismatch" | null;
  deviceName: string | null;
  snapshot: VerificationFlow;
  readonly stop: () => void;
}

/** See {@link VerificationActions}. */
export class Verifications implements VerificationActions {
  readonly flows = new Value<readonly VerificationFlow[]>([]);
  readonly #context: SessionContext;
  readonly #openDirect: (userId: UserId) => Promise<RoomId>;
  readonly #flows = new Map<string, Flow>();
  #nextId = 1;

  constructor(context: SessionContext, openDirect: (userId: UserId) => Promise<RoomId>) {
    this.#context = context;
    this.#openDirect = openDirect;
    const onRequest = (request: VerificationRequest) => {
      if (request.phase < VerificationPhase.Cancelled) this.#follow(request, false);
    };
    context.client.on(CryptoEvent.VerificationRequestReceived, onRequest);
    context.onClose(() => {
      context.client.off(CryptoEvent.VerificationRequestReceived, onRequest);
      for (const flow of this.#flows.values()) flow.stop();
    });
  }

  // ------------------------------------------------------------ actions

  async requestOwn(deviceId?: string): Promise<string> {
    const { crypto, userId } = this.#context;
    try {
      const request =
        deviceId === undefined
          ? await crypto.requestOwnUserVerification()
          : await crypto.requestDeviceVerification(userId, deviceId);
      return this.#follow(request, true).id;
    } catch (error) {
      throw toFailure(error);
    }
  }

  async requestPerson(userId: UserId): Promise<string> {
    const { crypto } = this.#context;
    try {
      // Also fetches an identity that was never seen.
      if (!(await crypto.userHasCrossSigningKeys(userId, true))) throw new Failure("not-found");
      const roomId = await this.#openDirect(userId);
      const request = await crypto.requestVerificationDM(userId, roomId);
      return this.#follow(request, true).id;
    } catch (error) {
      throw toFailure(error);
    }
  }

  accept(id: string): Promise<void> {
    return this.#act(id, (flow) => flow.request.accept());
  }

  confirm(id: string): Promise<void> {
    return this.#act(id, async (flow) => {
      if (flow.sas === null) return;
      flow.confirmed = true;
      this.#update(flow);
      await flow.sas.confirm();
    });
  }

  mismatch(id: string): Promise<void> {
    return this.#act(id, async (flow) => {
      flow.endedHere = "mismatch";
      flow.sas?.mismatch();
    });
  }

  cancel(id: string): Promise<void> {
    return this.#act(id, async (flow) => {
      flow.endedHere ??= "cancel";
      await flow.request.cancel();
    });
  }

  dismiss(id: string): void {
    const flow = this.#flows.get(id);
    if (flow === undefined) return;
    flow.stop();
    this.#flows.delete(id);
    this.#publish();
  }

  async #act(id: string, action: (flow: Flow) => Promise<void>): Promise<void> {
    const flow = this.#flows.get(id);
    if (flow === undefined) throw new Failure("not-found");
    try {
      await action(flow);
    } catch (error) {
      throw toFailure(error);
    } finally {
      this.#update(flow);
    }
  }

  // ------------------------------------------------------------ following

  #follow(request: VerificationRequest, startedByMe: boolean): Flow {
    for (const flow of this.#flows.values()) {
      const same =
        flow.request === request || (request.transactionId !== undefined && flow.request.transactionId === request.transactionId);
      if (same) return flow;
    }
    const id = `verification-${this.#nextId}`;
    this.#nextId += 1;
    const onChange = () => this.#onChange(flow);
    const flow: Flow = {
      id,
      request,
      startedByMe,
      verifier: null,
      sas: null,
      confirmed: false,
      endedHere: null,
      deviceName: null,
      snapshot: {
        id,
        other: this.#other(request),
        self: request.isSelfVerification,
        deviceName: null,
        startedByMe,
        step: { status: "requested" },
      },
      stop: () => request.off(VerificationRequestEvent.Change, onChange),
    };
    this.#flows.set(id, flow);
    request.on(VerificationRequestEvent.Change, onChange);
    this.#onChange(flow);
    this.#publish();
    return flow;
  }

  #other(request: VerificationRequest) {
    const { client, persons } = this.#context;
    const room = request.roomId === undefined ? null : client.getRoom(request.roomId);
    if (room !== null) return persons.inRoom(room, request.otherUserId);
    const user = client.getUser(request.otherUserId);
    return persons.of(request.otherUserId, user?.displayName, user?.avatarUrl);
  }

  #onChange(flow: Flow): void {
    const { request } = flow;
    if (request.isSelfVerification && flow.deviceName === null) void this.#nameDevice(flow);
    // Whoever asked also starts, so that the two sides do not start at once.
    if (request.phase === VerificationPhase.Ready && flow.startedByMe && flow.verifier === null) {
      request.startVerification(SAS_METHOD).then(
        (verifier) => this.#run(flow, verifier),
        () => this.#update(flow),
      );
    }
    if (request.phase === VerificationPhase.Started && request.verifier !== undefined) this.#run(flow, request.verifier);
    this.#update(flow);
  }

  #run(flow: Flow, verifier: Verifier): void {
    if (flow.verifier === verifier) return;
    flow.verifier = verifier;
    verifier.on(VerifierEvent.ShowSas, (sas) => {
      flow.sas = sas;
      this.#update(flow);
    });
    flow.sas = verifier.getShowSasCallbacks();
    // Its end, good or bad, is told by the request's phase.
    verifier.verify().then(
      () => this.#update(flow),
      () => this.#update(flow),
    );
    this.#update(flow);
  }

  async #nameDevice(flow: Flow): Promise<void> {
    const { crypto, userId } = this.#context;
    const deviceId = flow.request.otherDeviceId;
    if (deviceId === undefined) return;
    flow.deviceName = "";
    const devices = await crypto.getUserDeviceInfo([userId]).catch(() => null);
    flow.deviceName = devices?.get(userId)?.get(deviceId)?.displayName ?? "";
    this.#update(flow);
  }

  #update(flow: Flow): void {
    if (!this.#flows.has(flow.id)) return;
    const next: VerificationFlow = {
      ...flow.snapshot,
      other: this.#other(flow.request),
      deviceName: flow.deviceName || null,
      step: stepOf(flow),
    };
    if (JSON.stringify(next) === JSON.stringify(flow.snapshot)) return;
    flow.snapshot = next;
    this.#publish();
  }

  #publish(): void {
    this.flows.set([...this.#flows.values()].map((flow) => flow.snapshot));
  }
}

function stepOf(flow: Flow): VerificationFlow["step"] {
  switch (flow.request.phase) {
    case VerificationPhase.Done:
      return { status: "done" };
    case VerificationPhase.Cancelled:
      return { status: "cancelled", reason: cancelReason(flow) };
    case VerificationPhase.Ready:
    case VerificationPhase.Started: {
      const emojis = flow.sas?.sas.emoji;
      if (emojis === undefined) return { status: "ready" };
      return { status: flow.confirmed ? "confirming" : "comparing", emojis: emojis.map(sasEmoji) };
    }
    default:
      return { status: "requested" };
  }
}

function sasEmoji([emoji, name]: readonly [string, string]): SasEmoji {
  const bare = name.toLowerCase().replace(/[^a-z]/g, "");
  return { emoji, name, index: SAS_EMOJI.indexOf(bare) };
}

function cancelReason(flow: Flow): VerificationCancelReason {
  if (flow.endedHere === "mismatch") return "mismatch";
  if (flow.endedHere === "cancel") return "by-me";
  switch (flow.request.cancellationCode) {
    case "m.timeout":
      return "timeout";
    case "m.accepted":
      return "elsewhere";
    case "m.mismatched_sas":
      return "mismatch";
    case "m.key_mismatch":
    case "m.user_mismatch":
    case "m.mismatched_commitment":
      return "key-mismatch";
    case "m.unknown_method":
      return "no-common-method";
    case "m.user":
      return "by-other";
    default:
      return "error";
  }
}
