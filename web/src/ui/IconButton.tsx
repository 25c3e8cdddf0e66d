import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { classes } from "./classes";
import styles from "./IconButton.module.css";
import { Tooltip } from "./Tooltip";

/** Properties of {@link IconButton}; those of `<button>` too. */
export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "aria-label" | "title"> {
  /** What it does, in words: read aloud and shown as a hint. */
  readonly label: string;
  /** A lucide icon. */
  readonly icon: ReactNode;
  readonly size?: "m" | "s" | "l";
  readonly variant?: "plain" | "primary";
  /** For a button that stays pressed. */
  readonly pressed?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A button with an icon alone. */
export function IconButton({
  label,
  icon,
  size = "m",
  variant = "plain",
  pressed,
  className,
  type = "button",
  ...rest
}: IconButtonProps): ReactNode {
  return (
    <Tooltip label={label}>
      <button
        {...rest}
        type={type}
        aria-label={label}
        aria-pressed={pressed}
        className={classes(styles["button"], styles[size], styles[variant], className)}
      >
        {icon}
      </button>
    </Tooltip>
  );
}
