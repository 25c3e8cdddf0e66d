/** Moving files: upload with progress, authenticated download. */
import { Failure, kindOfErrcode, toFailure } from "../errors";
import { judgeRequest } from "../guard/decisions";
import type { Mxc } from "../types";

/** What a transfer needs of the session. */
export interface TransferAccess {
  readonly baseUrl: string;
  readonly accessToken: () => string;
  readonly fetch: typeof globalThis.fetch;
}

/** Largest file that is fetched for display, in bytes. */
const MAX_DOWNLOAD = 512 * 1024 * 1024;
/** A face of some kilobytes that takes longer will not arrive. */
const PUBLIC_TIMEOUT_MS = 60_000;

/** How an upload is watched and stopped. */
interface UploadOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (loaded: number, total: number) => void;
}

/** Uploads ciphertext: no name, no type. Resolves with its address. */
export function upload(access: TransferAccess, ciphertext: ArrayBuffer, options: UploadOptions): Promise<Mxc> {
  return uploadBytes(access, ciphertext, "application/octet-stream", options);
}

/** Uploads what everybody may see, as faces are: in clear, with its type, without a name. Resolves with its address. */
export async function uploadPublic(access: TransferAccess, picture: Blob): Promise<Mxc> {
  const bytes = await picture.arrayBuffer();
  return uploadBytes(access, bytes, picture.type, { signal: AbortSignal.timeout(PUBLIC_TIMEOUT_MS), onProgress: () => {} });
}

async function uploadBytes(access: TransferAccess, bytes: ArrayBuffer, type: string, options: UploadOptions): Promise<Mxc> {
  const url = new URL(`${access.baseUrl}/_matrix/media/v3/upload`);
  const refusal = judgeRequest({ method: "POST", path: url.pathname, query: url.searchParams, body: null });
  if (refusal !== null) throw new Failure(refusal);
  const answer =
    globalThis.XMLHttpRequest === undefined
      ? await uploadByFetch(access, url, bytes, type, options)
      : await uploadByXhr(access, url, bytes, type, options);
  const uri = answer["content_uri"];
  if (typeof uri !== "string" || !uri.startsWith("mxc://")) throw new Failure("server");
  return uri;
}

type Answer = Readonly<Record<string, unknown>>;

/** `fetch` cannot tell the progress of an upload; XMLHttpRequest can. */
function uploadByXhr(
  access: TransferAccess,
  url: URL,
  bytes: ArrayBuffer,
  type: string,
  options: UploadOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) {
      reject(new Failure("cancelled"));
      return;
    }
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    options.signal.addEventListener("abort", abort, { once: true });
    request.upload.onprogress = (event) => options.onProgress(event.loaded, bytes.byteLength);
    request.onabort = () => reject(new Failure("cancelled"));
    request.onerror = () => reject(new Failure("network"));
    request.onload = () => {
      const answer = parse(request.responseText);
      if (request.status === 200 && answer !== null) resolve(answer);
      else reject(refusal(request.status, answer));
    };
    request.onloadend = () => options.signal.removeEventListener("abort", abort);
    request.open("POST", url);
    request.setRequestHeader("Authorization", `Bearer ${access.accessToken()}`);
    request.setRequestHeader("Content-Type", type);
    request.send(bytes);
  });
}

async function uploadByFetch(
  access: TransferAccess,
  url: URL,
  bytes: ArrayBuffer,
  type: string,
  options: UploadOptions,
): Promise<Answer> {
  let response: Response;
  try {
    response = await access.fetch(url, {
      method: "POST",
      signal: options.signal,
      headers: { Authorization: `Bearer ${access.accessToken()}`, "Content-Type": type },
      body: bytes,
    });
  } catch (error) {
    throw transferFailure(error, options.signal);
  }
  const answer = parse(await response.text());
  if (!response.ok || answer === null) throw refusal(response.status, answer);
  options.onProgress(bytes.byteLength, bytes.byteLength);
  return answer;
}

/** Fetches a file with the access token. */
export async function download(
  access: TransferAccess,
  mxc: Mxc,
  options: {
    readonly signal?: AbortSignal;
    readonly thumbnail?: { readonly width: number; readonly height: number } | null;
    readonly onProgress?: (loaded: number, total: number | null) => void;
  } = {},
): Promise<{ readonly bytes: ArrayBuffer; readonly type: string }> {
  const match = /^mxc:\/\/([^/?#]+)\/([\w.~-]+)$/.exec(mxc);
  if (match === null) throw new Failure("not-found");
  const [, server = "", id = ""] = match;
  const place = `${encodeURIComponent(server)}/${encodeURIComponent(id)}`;
  const url = new URL(
    options.thumbnail
      ? `${access.baseUrl}/_matrix/client/v1/media/thumbnail/${place}`
      : `${access.baseUrl}/_matrix/client/v1/media/download/${place}`,
  );
  if (options.thumbnail) {
    url.searchParams.set("width", String(Math.ceil(options.thumbnail.width)));
    url.searchParams.set("height", String(Math.ceil(options.thumbnail.height)));
    url.searchParams.set("method", "crop");
  }
  try {
    const response = await access.fetch(url, {
      headers: { Authorization: `Bearer ${access.accessToken()}` },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (!response.ok) throw refusal(response.status, parse(await response.text()));
    const bytes = await readBody(response, options.onProgress);
    return { bytes, type: response.headers.get("Content-Type") ?? "" };
  } catch (error) {
    throw transferFailure(error, options.signal);
  }
}

async function readBody(
  response: Response,
  onProgress: ((loaded: number, total: number | null) => void) | undefined,
): Promise<ArrayBuffer> {
  const announced = Number(response.headers.get("Content-Length") ?? Number.NaN);
  const total = Number.isFinite(announced) ? announced : null;
  if (total !== null && total > MAX_DOWNLOAD) throw new Failure("too-large", { limit: MAX_DOWNLOAD });
  if (onProgress === undefined || response.body === null) return response.arrayBuffer();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    loaded += part.value.byteLength;
    if (loaded > MAX_DOWNLOAD) throw new Failure("too-large", { limit: MAX_DOWNLOAD });
    onProgress(loaded, total);
  }
  return new Blob(parts).arrayBuffer();
}

function parse(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Answer) : null;
  } catch {
    return null;
  }
}

function refusal(status: number, answer: Answer | null): Failure {
  const errcode = typeof answer?.["errcode"] === "string" ? answer["errcode"] : undefined;
  const retry = answer?.["retry_after_ms"];
  return new Failure(kindOfErrcode(errcode, status), {
    status,
    ...(errcode === undefined ? {} : { errcode }),
    ...(typeof retry === "number" ? { retryAfterMs: retry } : {}),
  });
}

function transferFailure(error: unknown, signal: AbortSignal | undefined): Failure {
  if (error instanceof Failure) return error;
  if (signal?.aborted) return new Failure("cancelled", {}, error);
  const failure = toFailure(error);
  return failure.kind === "unknown" ? new Failure("network", {}, error) : failure;
}
