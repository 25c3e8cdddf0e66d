import type { ButtonHTMLAttributes, ReactNode } from "react";
import { classes } from "./classes";
import styles from "./TextButton.module.css";

/** Properties of {@link TextButton}; those of `<button>` too. */
export interface TextButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type" | "className"> {
  /** Within a sentence. */
  readonly inline?: boolean;
}

/** A button that looks like a link: something to do that is not what the page is for. */
export function TextButton({ inline, ...button }: TextButtonProps): ReactNode {
  return <button {...button} type="button" className={classes(styles["button"], inline && styles["inline"])} />;
}
