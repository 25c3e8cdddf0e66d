import { ImageOff } from "lucide-react";
import { type CSSProperties, type ReactNode, useState } from "react";
import { formatSize } from "../../i18n/format";
import { useT } from "../../i18n/react";
import type { FileBody, MediaSource } from "../../matrix/types";
import { Button, Skeleton } from "../../ui";
import { usePicture } from "../people/pictures";
import styles from "./bubble.module.css";
import { PictureDialog } from "./PictureDialog";

/** Largest edge of a picture in the timeline, in CSS pixels. */
const LARGEST_EDGE = 320;

/** A picture without a thumbnail that is larger than this, in bytes, waits for a press. */
const LOADED_UNASKED = 3_000_000;

function boxSize(body: FileBody): CSSProperties {
  const width = body.thumbnail?.width ?? body.width ?? 0;
  const height = body.thumbnail?.height ?? body.height ?? 0;
  if (width <= 0 || height <= 0) return { width: 240, aspectRatio: "4 / 3" };
  const scale = Math.min(1, LARGEST_EDGE / Math.max(width, height));
  return { width: Math.max(96, Math.round(width * scale)), aspectRatio: `${width} / ${height}` };
}

function previewSource(body: FileBody, asked: boolean): MediaSource | null {
  if (body.source.kind === "local") return body.source;
  if (body.thumbnail) return body.thumbnail.source;
  return asked || (body.size !== null && body.size <= LOADED_UNASKED) ? body.source : null;
}

/** A picture in its bubble; a press shows it large. */
export function PictureBody({ body, onSave, tabIndex }: { body: FileBody; onSave: () => void; tabIndex: number }): ReactNode {
  const t = useT();
  const [asked, setAsked] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const [large, setLarge] = useState(false);
  const source = previewSource(body, asked);
  const picture = usePicture(source, attempt);
  const box = boxSize(body);

  if (source === null) {
    return (
      <div className={styles["pictureWait"]} style={box}>
        <Button variant="line" size="s" tabIndex={tabIndex} onClick={() => setAsked(true)}>
          {t("timeline:image.noPreview")}
        </Button>
        <small>{body.size === null ? body.name : formatSize(body.size)}</small>
      </div>
    );
  }
  if (picture.status === "failed") {
    return (
      <div className={styles["pictureWait"]} style={box} role="alert">
        <ImageOff size={24} aria-hidden="true" />
        <small>{t(picture.failure.kind === "unknown" ? "timeline:image.failed" : `errors:${picture.failure.kind}`)}</small>
        <Button variant="line" size="s" tabIndex={tabIndex} onClick={() => setAttempt(attempt + 1)}>
          {t("common:action.retry")}
        </Button>
      </div>
    );
  }
  return (
    <>
      <button
        type="button"
        className={styles["picture"]}
        style={box}
        tabIndex={tabIndex}
        aria-label={t("timeline:action.openNamed", { name: body.name })}
        onClick={() => setLarge(true)}
      >
        {picture.status === "ready" ? (
          <img src={picture.url} alt="" className={styles["pictureImage"]} draggable={false} />
        ) : (
          <Skeleton shape="block" height="100%" />
        )}
      </button>
      {large ? <PictureDialog body={body} onSave={onSave} onClose={() => setLarge(false)} /> : null}
    </>
  );
}
