import { OTPField } from "@base-ui/react/otp-field";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useT } from "../i18n/react";
import styles from "./CodeField.module.css";
import { classes } from "./classes";
import { FieldError } from "./Form";

/** Properties of {@link CodeField}. */
export interface CodeFieldProps {
  readonly label: string;
  readonly value: string;
  /** Digits only, at most `length`; spaces and dashes of a pasted code are dropped. */
  readonly onChange: (value: string) => void;
  /** All digits are there. */
  readonly onComplete?: (value: string) => void;
  readonly length?: number;
  readonly error?: string | null | undefined;
  readonly disabled?: boolean;
  readonly autoFocus?: boolean;
}

/** A short code in digits, one cell each, as it was mailed. Typing moves on, pasting fills all of it. */
export function CodeField({
  label,
  value,
  onChange,
  onComplete,
  length = 6,
  error,
  disabled,
  autoFocus,
}: CodeFieldProps): ReactNode {
  const t = useT();
  const id = useId();
  const cells = useRef<HTMLDivElement>(null);
  // A refused code is emptied: typing starts over at the first digit.
  const startOver = Boolean(error) && value === "";
  useEffect(() => {
    if (startOver) cells.current?.querySelector("input")?.focus();
  }, [startOver]);
  return (
    <div className={styles["group"]}>
      <label htmlFor={id} className="visually-hidden">
        {label}
      </label>
      <OTPField.Root
        ref={cells}
        id={id}
        // The label belongs to the first cell, the others say their place: the group around them needs no name of its own.
        aria-labelledby={undefined}
        length={length}
        value={value}
        onValueChange={onChange}
        onValueComplete={onComplete}
        disabled={disabled ?? false}
        normalizeValue={(text) => text.replace(/\D/g, "")}
        aria-describedby={error ? `${id}-error` : undefined}
        className={styles["cells"]}
      >
        {Array.from({ length }, (_, position) => (
          <OTPField.Input
            // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its position
            key={position}
            autoFocus={autoFocus === true && position === 0}
            className={classes(styles["cell"], error && styles["wrong"])}
            aria-label={position === 0 ? undefined : t("common:code.digit", { position: position + 1, length })}
            aria-invalid={error ? true : undefined}
          />
        ))}
      </OTPField.Root>
      <FieldError id={`${id}-error`}>{error}</FieldError>
    </div>
  );
}
