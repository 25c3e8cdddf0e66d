import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import styles from "./Button.module.css";
import { classes } from "./classes";

/** How a {@link Button} looks: `primary` once per screen at most, `alarm` for what cannot be undone. */
export type ButtonVariant = "primary" | "line" | "ghost" | "alarm";

/** Properties of {@link Button}; those of `<button>` too. */
export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly variant?: ButtonVariant;
  readonly size?: "m" | "s";
  /** As wide as its container. */
  readonly wide?: boolean;
  /** The action is under way: keeps its focus and its words, takes no press. */
  readonly busy?: boolean;
  readonly icon?: ReactNode;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A button with words on it. */
export function Button({
  variant = "primary",
  size = "m",
  wide,
  busy,
  icon,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button
      {...rest}
      type={type}
      className={classes(
        styles["button"],
        styles[variant],
        styles[size],
        wide && styles["wide"],
        busy && styles["busy"],
        className,
      )}
      aria-disabled={busy || rest["aria-disabled"]}
      aria-busy={busy || undefined}
      onClick={(event) => {
        // A busy button stays focusable; its press must reach neither the handler nor the form.
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {icon}
      <span>{children}</span>
    </button>
  );
}
