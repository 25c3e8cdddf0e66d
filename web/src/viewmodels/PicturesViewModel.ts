import type { MediaActions, MediaHandle } from "../matrix/api";
import type { MediaSource, Mxc } from "../matrix/types";

/** Pictures for views: faces and what was sent. Each is given back when its view goes away. */
export class PicturesViewModel {
  readonly #media: MediaActions;
  readonly #pixelRatio: number;

  /** `pixelRatio`: device pixels to a CSS pixel. */
  constructor(media: MediaActions, pixelRatio: number) {
    this.#media = media;
    this.#pixelRatio = pixelRatio;
  }

  /** A picture to be shown; call `release()` on it afterwards. */
  acquire(source: MediaSource): MediaHandle {
    return this.#media.acquire(source);
  }

  /** A face, `size` CSS pixels wide and high. */
  acquireAvatar(mxc: Mxc, size: number): MediaHandle {
    const pixels = Math.ceil(size * this.#pixelRatio);
    return this.#media.acquire({ kind: "clear", mxc, thumbnail: { width: pixels, height: pixels } });
  }
}
