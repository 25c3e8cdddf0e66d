/** From an event's content to what an item says. Pure, apart from reading the event given. */
import type { MatrixEvent } from "matrix-js-sdk";
import { mxcOrNull } from "../session/people-cache";
import type { EncryptedFile, FileBody, ItemBody, MediaSource, MembershipChange } from "../types";

type Content = Readonly<Record<string, unknown>>;

/** Longest text shown; the specification's event limit is below it. */
const MAX_TEXT = 65_536;

/** Whether an event replaces another's content, and so is no item of its own. */
export function isEdit(event: MatrixEvent): boolean {
  const relation = asObject(event.getWireContent()["m.relates_to"]);
  return relation?.["rel_type"] === "m.replace";
}

/** What an `m.room.message` says; null if it is to be hidden (steps of a verification). */
export function messageBody(content: Content): Extract<ItemBody, { kind: "text" }> | FileBody | null {
  const msgtype = text(content["msgtype"]);
  const body = text(content["body"]) ?? "";
  switch (msgtype) {
    case "m.key.verification.request":
      return null;
    case "m.image":
    case "m.video":
    case "m.audio":
    case "m.file": {
      const kind = msgtype.slice(2) as FileBody["kind"];
      return fileBody(kind, content) ?? { kind: "text", text: body, emote: false, notice: false };
    }
    default:
      return {
        kind: "text",
        text: withoutReplyFallback(content, body).slice(0, MAX_TEXT),
        emote: msgtype === "m.emote",
        notice: msgtype === "m.notice",
      };
  }
}

/** Older clients quote the answered message at the start of the text. */
function withoutReplyFallback(content: Content, body: string): string {
  const isReply = asObject(asObject(content["m.relates_to"])?.["m.in_reply_to"]) !== null;
  if (!isReply || !body.startsWith("> ")) return body;
  const lines = body.split("\n");
  const end = lines.findIndex((line) => !line.startsWith(">"));
  if (end === -1 || lines[end] !== "") return body;
  return lines.slice(end + 1).join("\n");
}

function fileBody(kind: FileBody["kind"], content: Content): FileBody | null {
  const info = asObject(content["info"]) ?? {};
  const mimeType = safeMime(text(info["mimetype"]));
  const source = mediaSource(content["file"], content["url"], mimeType);
  if (source === null) return null;
  const body = text(content["body"]) ?? "";
  const filename = text(content["filename"]);
  const thumbnailInfo = asObject(info["thumbnail_info"]) ?? {};
  const thumbnailSource = mediaSource(info["thumbnail_file"], info["thumbnail_url"], safeMime(text(thumbnailInfo["mimetype"])));
  return {
    kind,
    name: cleanFileName(filename ?? body),
    caption: filename !== null && body !== filename && body !== "" ? body.slice(0, MAX_TEXT) : null,
    mimeType,
    size: count(info["size"]),
    source,
    width: count(info["w"]),
    height: count(info["h"]),
    thumbnail:
      thumbnailSource === null
        ? null
        : { source: thumbnailSource, width: count(thumbnailInfo["w"]), height: count(thumbnailInfo["h"]) },
    blurhash: text(info["xyz.amorgan.blurhash"]),
  };
}

function mediaSource(file: unknown, url: unknown, mimeType: string): MediaSource | null {
  const encrypted = encryptedFile(file);
  if (encrypted !== null) return { kind: "encrypted", file: encrypted, mimeType };
  const mxc = mxcOrNull(url);
  return mxc === null ? null : { kind: "clear", mxc, thumbnail: null };
}

/** An `EncryptedFile` with all its parts, or null. */
export function encryptedFile(value: unknown): EncryptedFile | null {
  const file = asObject(value);
  const key = asObject(file?.["key"]);
  const hashes = asObject(file?.["hashes"]);
  const url = mxcOrNull(file?.["url"]);
  const k = text(key?.["k"]);
  const iv = text(file?.["iv"]);
  const sha256 = text(hashes?.["sha256"]);
  if (url === null || k === null || iv === null || sha256 === null) return null;
  if (file?.["v"] !== "v2" || key?.["alg"] !== "A256CTR" || key["kty"] !== "oct") return null;
  return {
    url,
    key: { kty: "oct", alg: "A256CTR", ext: true, k, key_ops: ["encrypt", "decrypt"] },
    iv,
    hashes: { sha256 },
    v: "v2",
  };
}

/** A file name without folders and without characters that hide or turn text. */
export function cleanFileName(name: string): string {
  const clean = name
    .replace(/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "")
    .replace(/^.*[/\\]/, "")
    .trim()
    .slice(0, 255);
  return clean === "" ? "file" : clean;
}

function safeMime(value: string | null): string {
  return value !== null && /^[\w.+-]+\/[\w.+-]+$/.test(value) ? value.toLowerCase() : "application/octet-stream";
}

/** What a membership event changed; null if nothing that matters. */
export function membershipChange(event: MatrixEvent): MembershipChange | null {
  const now = text(event.getContent()["membership"]);
  const before = text(event.getPrevContent()["membership"]) ?? "leave";
  const byTarget = event.getSender() === event.getStateKey();
  switch (now) {
    case "join":
      if (before !== "join") return "joined";
      if (event.getContent()["displayname"] !== event.getPrevContent()["displayname"]) return "renamed";
      return event.getContent()["avatar_url"] !== event.getPrevContent()["avatar_url"] ? "avatar-changed" : null;
    case "invite":
      return "invited";
    case "leave":
      if (before === "invite") return byTarget ? "invite-declined" : "invite-withdrawn";
      if (before === "ban") return "unbanned";
      return byTarget ? "left" : "removed";
    case "ban":
      return "banned";
    default:
      return null;
  }
}

function asObject(value: unknown): Content | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Content) : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.floor(value) : null;
}
