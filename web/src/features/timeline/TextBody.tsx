import { type ReactNode, useMemo } from "react";
import { textParts } from "../../viewmodels/links";
import styles from "./bubble.module.css";

/** A message's text with its line breaks, its links made clickable. Nothing in it is ever read as markup. */
export function LinkedText({ text }: { text: string }): ReactNode {
  const parts = useMemo(() => textParts(text), [text]);
  return (
    <span className={styles["text"]}>
      {parts.map((part, position) =>
        part.kind === "link" ? (
          // The parts of one text never change places.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <a key={position} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.text}
          </a>
        ) : (
          part.text
        ),
      )}
    </span>
  );
}
