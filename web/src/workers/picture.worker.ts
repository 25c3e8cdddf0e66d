/** Measures pictures and makes smaller versions of them, off the page's thread. */
import { middleSquare, type Picture, type PictureAnswer, type PictureRequest, type SquareRequest, scaledToFit } from "./picture";

/** Pictures of more pixels than this are sent as they are: decoding them would exhaust the memory. */
const MAX_PIXELS = 100_000_000;
const QUALITY = 0.82;

async function read(request: PictureRequest): Promise<Picture> {
  const bitmap = await createImageBitmap(request.blob);
  try {
    const { width, height } = bitmap;
    const size = scaledToFit(width, height, request.maxWidth, request.maxHeight);
    const isSmall = size.width === width && size.height === height && request.blob.size <= request.smallEnough;
    if (isSmall || width * height > MAX_PIXELS) return { width, height, thumbnail: null };
    const canvas = new OffscreenCanvas(size.width, size.height);
    const context = canvas.getContext("2d");
    if (context === null) return { width, height, thumbnail: null };
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, size.width, size.height);
    // WebP keeps transparency; a browser that cannot write it gives PNG, which does too.
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: QUALITY });
    return { width, height, thumbnail: { blob, ...size } };
  } finally {
    bitmap.close();
  }
}

async function crop(request: SquareRequest): Promise<Blob | null> {
  const bitmap = await createImageBitmap(request.blob);
  try {
    const { x, y, side, edge } = middleSquare(bitmap.width, bitmap.height, request.square);
    const context = new OffscreenCanvas(edge, edge).getContext("2d");
    if (context === null) return null;
    // JPEG knows no transparency: what is clear becomes paper, not black.
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, edge, edge);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, x, y, side, side, 0, 0, edge, edge);
    return await context.canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  } finally {
    bitmap.close();
  }
}

globalThis.onmessage = (event: MessageEvent<PictureRequest | SquareRequest>) => {
  const request = event.data;
  const answer = (result: Picture | Blob | null) => globalThis.postMessage({ id: request.id, result } satisfies PictureAnswer);
  const work: Promise<Picture | Blob | null> = "square" in request ? crop(request) : read(request);
  work.then(answer, () => answer(null));
};
