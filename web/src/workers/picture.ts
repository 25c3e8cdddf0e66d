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

/** A picture's facts. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly thumbnail: { readonly blob: Blob; readonly width: number; readonly height: number } | null;
}

/** `picture` is null if the browser cannot read it as a picture. */
export interface PictureAnswer {
  readonly id: number;
  readonly picture: Picture | null;
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
