import { describe, expect, it } from "vitest";
import {
  blockingPeople,
  judgeEncryption,
  judgeRequest,
  judgeShield,
  MAX_ROTATION_MESSAGES,
  MAX_ROTATION_MS,
  MEGOLM,
  mayLeaveInClear,
  unreadableOrUntrusted,
  type WireRequest,
} from "./decisions";

const encrypted = { algorithm: MEGOLM, ciphertext: "AwgA…", device_id: "D", session_id: "S" };

function put(path: string, body: unknown, query = ""): WireRequest {
  return { method: "PUT", path, query: new URLSearchParams(query), body: JSON.stringify(body) };
}

describe("a message may leave only for a room encrypted as strictly as ever", () => {
  it("refuses a room without encryption, seen encrypted before or not", () => {
    expect(judgeEncryption(null, null)).toEqual({ allowed: false, kind: "not-encrypted" });
    const latch = { algorithm: MEGOLM, rotationMs: 1000, rotationMessages: 10 };
    expect(judgeEncryption(null, latch)).toEqual({ allowed: false, kind: "not-encrypted" });
  });

  it("takes the specification's defaults where a room says nothing", () => {
    expect(judgeEncryption({ algorithm: MEGOLM }, null)).toEqual({
      allowed: true,
      latch: { algorithm: MEGOLM, rotationMs: MAX_ROTATION_MS, rotationMessages: MAX_ROTATION_MESSAGES },
    });
  });

  it.each([
    [{}],
    [{ algorithm: "m.none" }],
    [{ algorithm: "m.megolm.v2" }],
    [{ algorithm: MEGOLM, rotation_period_ms: MAX_ROTATION_MS + 1 }],
    [{ algorithm: MEGOLM, rotation_period_msgs: 101 }],
    [{ algorithm: MEGOLM, rotation_period_msgs: 0 }],
    [{ algorithm: MEGOLM, rotation_period_ms: -1 }],
    [{ algorithm: MEGOLM, rotation_period_ms: "1000" }],
    [{ algorithm: MEGOLM, rotation_period_ms: 1.5 }],
    [{ algorithm: MEGOLM, rotation_period_ms: null }],
  ])("refuses unknown or weaker settings: %j", (content) => {
    expect(judgeEncryption(content, null)).toEqual({ allowed: false, kind: "encryption-weakened" });
  });

  it("refuses settings laxer than the room once had, and accepts stricter ones", () => {
    const latch = { algorithm: MEGOLM, rotationMs: 3_600_000, rotationMessages: 20 };
    expect(judgeEncryption({ algorithm: MEGOLM }, latch).allowed).toBe(false);
    const stricter = { algorithm: MEGOLM, rotation_period_ms: 60_000, rotation_period_msgs: 20 };
    expect(judgeEncryption(stricter, latch).allowed).toBe(true);
  });
});

describe("nothing that a person wrote leaves in clear", () => {
  it("lets encrypted events, reactions and removals through", () => {
    expect(mayLeaveInClear("m.room.encrypted", encrypted)).toBe(true);
    expect(mayLeaveInClear("m.reaction", { "m.relates_to": {} })).toBe(true);
    expect(mayLeaveInClear("m.room.redaction", {})).toBe(true);
  });

  it.each([
    ["m.room.message", { msgtype: "m.text", body: "bonjour" }],
    ["m.room.message", { msgtype: "m.image", url: "mxc://a/b" }],
    ["m.sticker", {}],
    ["m.poll.start", {}],
    ["org.example.note", { body: "x" }],
    ["m.room.encrypted", { algorithm: "m.none", ciphertext: "bonjour" }],
    ["m.room.encrypted", { ...encrypted, body: "bonjour" }],
    ["m.room.redaction", { reason: "he said the secret" }],
    ["", {}],
  ])("refuses %s %j", (type, content) => {
    expect(mayLeaveInClear(type, content)).toBe(false);
  });

  it("refuses a body that is no object", () => {
    expect(mayLeaveInClear("m.room.encrypted", null)).toBe(false);
  });

  it("lets the steps of a verification through", () => {
    expect(mayLeaveInClear("m.room.message", { msgtype: "m.key.verification.request", body: "…" })).toBe(true);
    expect(mayLeaveInClear("m.key.verification.mac", {})).toBe(true);
  });
});

describe("the request itself is looked at, however it is written", () => {
  const message = { msgtype: "m.text", body: "bonjour" };

  it.each([
    "/_matrix/client/v3/rooms/!r/send/m.room.message/1",
    "/_matrix/client/v3/rooms/!r:a.example/send/m%2Eroom%2Emessage/1",
    "/_matrix/client/unstable/org.example/rooms/!r/send/m.room.message/1",
    "/_matrix/client/v3//rooms/!r/send/m.room.message/1",
    "/_matrix/client/r0/rooms/%21r/send/%6d.room.message/1",
  ])("refuses a message in clear at %s", (path) => {
    expect(judgeRequest(put(path, message))).toBe("clear-event-refused");
  });

  it("lets an encrypted event through", () => {
    expect(judgeRequest(put("/_matrix/client/v3/rooms/!r/send/m.room.encrypted/1", encrypted))).toBeNull();
  });

  it("refuses a body that cannot be read", () => {
    const request = { ...put("/_matrix/client/v3/rooms/!r/send/m.reaction/1", {}), body: null };
    expect(judgeRequest(request)).toBe("clear-event-refused");
  });

  it("refuses to create a room that is not encrypted from the start", () => {
    const path = "/_matrix/client/v3/createRoom";
    const encryption = { type: "m.room.encryption", state_key: "", content: { algorithm: MEGOLM } };
    expect(judgeRequest(put(path, { name: "x" }))).toBe("not-encrypted");
    expect(judgeRequest(put(path, { initial_state: [] }))).toBe("not-encrypted");
    expect(judgeRequest(put(path, { initial_state: [{ ...encryption, content: {} }] }))).toBe("not-encrypted");
    expect(judgeRequest(put(path, { initial_state: [encryption] }))).toBeNull();
  });

  it("refuses to weaken a room's encryption", () => {
    const path = "/_matrix/client/v3/rooms/!r/state/m.room.encryption/";
    expect(judgeRequest(put(path, { algorithm: MEGOLM, rotation_period_msgs: 100_000 }))).toBe("encryption-weakened");
    expect(judgeRequest(put(path, { algorithm: MEGOLM }))).toBeNull();
  });

  it("refuses to tell the name of a file", () => {
    const upload = { ...put("/_matrix/media/v3/upload", null, "filename=secret.pdf"), method: "POST", body: null };
    expect(judgeRequest(upload)).toBe("clear-event-refused");
    expect(judgeRequest({ ...upload, query: new URLSearchParams() })).toBeNull();
  });

  it("has no opinion on reading", () => {
    expect(judgeRequest({ ...put("/_matrix/client/v3/rooms/!r/send/m.room.message/1", message), method: "GET" })).toBeNull();
  });
});

describe("sending stops when somebody's identity changed", () => {
  const claire = { userId: "@claire:a.example", needsApproval: false, verified: false, wasVerified: false };

  it("lets people through whose identity is new or unchanged", () => {
    expect(blockingPeople([claire, { ...claire, verified: true, wasVerified: true }])).toEqual([]);
  });

  it("names those whose identity differs from the one first seen or compared", () => {
    const changed = { ...claire, userId: "@samir:a.example", needsApproval: true };
    const violated = { ...claire, userId: "@awa:a.example", wasVerified: true };
    expect(blockingPeople([claire, changed, violated])).toEqual([changed, violated]);
  });
});

describe("what arrives is shown as its sender's only if that is so", () => {
  it.each([
    ["UNKNOWN_DEVICE", "unknown-device"],
    ["UNSIGNED_DEVICE", "unsigned-device"],
    ["MISMATCHED_SENDER", "mismatched-sender"],
    ["VERIFICATION_VIOLATION", "identity-changed"],
    ["SENT_IN_CLEAR", "sent-in-clear"],
    ["UNKNOWN", "unknown-device"],
  ] as const)("does not show an event with the shield %s", (shield, reason) => {
    expect(judgeShield(shield, true).untrusted).toBe(reason);
    expect(judgeShield(shield, false).untrusted).toBe(reason);
  });

  it("shows history from the backup, marked as unproven", () => {
    expect(judgeShield("AUTHENTICITY_NOT_GUARANTEED", false)).toEqual({ untrusted: null, unproven: true });
  });

  it("shows people whom nobody compared, and refuses a red shield without a reason", () => {
    expect(judgeShield("UNVERIFIED_IDENTITY", false)).toEqual({ untrusted: null, unproven: false });
    expect(judgeShield(null, false)).toEqual({ untrusted: null, unproven: false });
    expect(judgeShield(null, true).untrusted).toBe("unknown-device");
  });

  it("tells apart what cannot be read from what must not be", () => {
    expect(unreadableOrUntrusted("UNSIGNED_SENDER_DEVICE")).toEqual({ untrusted: "unsigned-device" });
    expect(unreadableOrUntrusted("SENDER_IDENTITY_PREVIOUSLY_VERIFIED")).toEqual({ untrusted: "identity-changed" });
    expect(unreadableOrUntrusted("HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED")).toEqual({ unreadable: "backup-locked" });
    expect(unreadableOrUntrusted("SOMETHING_NEW")).toEqual({ unreadable: "unknown" });
  });
});
