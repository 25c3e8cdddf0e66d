/** What the page and the picture worker say to each other. */

/** Asks for a picture's size and, if it is large, a smaller version. */
export interface PictureRequest {
  readonly id: number;
  readonly blob: Blob;
  /** The smaller version fits in these pixels. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** Pictures that fit and are not heavier than this many bytes need no smaller version. */
  readonly smallEnough: number;
}

/** Asks for the middle of a picture as a square, for faces: a JPEG without anything else that the file knew. */
export interface SquareRequest {
  readonly id: number;
  readonly blob: Blob;
  /** The square is at most this many pixels wide. */
  readonly square: number;
}

/** A picture's facts. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly thumbnail: { readonly blob: Blob; readonly width: number; readonly height: number } | null;
}

/** To a {@link PictureRequest} a {@link Picture}, to a {@link SquareRequest} a Blob; null if the browser cannot read the file as a picture. */
export interface PictureAnswer {
  readonly id: number;
  readonly result: Picture | Blob | null;
}

/** The largest square in the middle of a picture, and the edge that it is drawn with: never enlarged. */
export function middleSquare(
  width: number,
  height: number,
  largest: number,
): { readonly x: number; readonly y: number; readonly side: number; readonly edge: number } {
  const side = Math.min(width, height);
  return { x: Math.floor((width - side) / 2), y: Math.floor((height - side) / 2), side, edge: Math.min(side, largest) };
}

/** The size that fits in a box, keeping proportions, never enlarging, at least one pixel. */
export function scaledToFit(
  width: number,
  height: number,
  maxWidth: number,
  maxHeight: number,
): { readonly width: number; readonly height: number } {
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
