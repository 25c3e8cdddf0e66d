/** Files and pictures. Types only. */
import type { FailureInfo } from "../errors";
import type { Mxc } from "./people";

/** A file as it lies on the server: encrypted (always, for messages) or clear (avatars). */
export type MediaSource =
  | { readonly kind: "encrypted"; readonly file: EncryptedFile; readonly mimeType: string }
  | {
      readonly kind: "clear";
      readonly mxc: Mxc;
      /** Asks for a thumbnail of at least this size in CSS pixels × device ratio. */
      readonly thumbnail: { readonly width: number; readonly height: number } | null;
    }
  /** A file of this browser, not sent yet. */
  | { readonly kind: "local"; readonly url: string };

/** `EncryptedFile` of the Matrix specification, version v2. */
export interface EncryptedFile {
  readonly url: Mxc;
  readonly key: {
    readonly kty: "oct";
    readonly alg: "A256CTR";
    readonly ext: true;
    /** Unpadded base64url, 32 bytes. */
    readonly k: string;
    readonly key_ops: readonly string[];
  };
  /** Unpadded base64, 16 bytes. */
  readonly iv: string;
  readonly hashes: { readonly sha256: string };
  readonly v: "v2";
}

/** A file in a message. */
export interface FileBody {
  readonly kind: "image" | "video" | "audio" | "file";
  readonly name: string;
  /** Text beside the file, if any. */
  readonly caption: string | null;
  readonly mimeType: string;
  /** Bytes, as said by the sender; null if not said. */
  readonly size: number | null;
  readonly source: MediaSource;
  /** Pixels, for pictures and films. */
  readonly width: number | null;
  readonly height: number | null;
  readonly thumbnail: {
    readonly source: MediaSource;
    readonly width: number | null;
    readonly height: number | null;
  } | null;
  /** `xyz.amorgan.blurhash`. */
  readonly blurhash: string | null;
}

/** A file being fetched for display. */
export type MediaState =
  | { readonly status: "loading" }
  /** `url` is a `blob:` address, valid until the handle is released. */
  | { readonly status: "ready"; readonly url: string }
  | { readonly status: "failed"; readonly failure: FailureInfo };
