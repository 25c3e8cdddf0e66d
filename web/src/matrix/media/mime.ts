/** Types that a `blob:` address may carry without being able to run anything in the page. */
const HARMLESS = new Set([
  "image/jpeg",
  "image/png",
  "image/gif",
  "image/webp",
  "image/avif",
  "image/bmp",
  "video/mp4",
  "video/webm",
  "video/ogg",
  "video/quicktime",
  "audio/mp4",
  "audio/mpeg",
  "audio/ogg",
  "audio/webm",
  "audio/wav",
  "audio/x-wav",
  "audio/flac",
  "audio/aac",
  "application/pdf",
  "text/plain",
]);

/** The type if it is harmless, else one that browsers only save. */
export function harmlessType(type: string): string {
  const bare = type.split(";")[0]?.trim().toLowerCase() ?? "";
  return HARMLESS.has(bare) ? bare : "application/octet-stream";
}

/** Whether a file is to be sent as a picture: only kinds that every browser shows. */
export function isPicture(type: string): boolean {
  return /^image\/(?:jpeg|png|gif|webp|avif|bmp)$/.test(harmlessType(type));
}
