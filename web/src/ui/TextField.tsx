import { Eye, EyeOff } from "lucide-react";
import { type InputHTMLAttributes, type ReactNode, type Ref, useId, useState } from "react";
import { useT } from "../i18n/react";
import { classes } from "./classes";
import { FieldError } from "./Form";
import styles from "./TextField.module.css";

/** Properties of {@link TextField}; those of `<input>` too. */
export interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "id" | "children"> {
  readonly label: string;
  /** The label is for screen readers only. */
  readonly labelHidden?: boolean;
  /** A line under the field. */
  readonly help?: ReactNode;
  /** What is wrong and what to do; read aloud when it appears. */
  readonly error?: string | null | undefined;
  /** Before the text, inside the field. */
  readonly leading?: ReactNode;
  /** After the text, inside the field. */
  readonly trailing?: ReactNode;
  readonly ref?: Ref<HTMLInputElement>;
}

/** A line of text with its label, help and error. */
export function TextField({
  label,
  labelHidden,
  help,
  error,
  leading,
  trailing,
  className,
  ...input
}: TextFieldProps): ReactNode {
  const id = useId();
  const description = [help ? `${id}-help` : null, error ? `${id}-error` : null].filter(Boolean).join(" ");
  return (
    <div className={classes(styles["group"], className)}>
      <label htmlFor={id} className={labelHidden ? "visually-hidden" : styles["label"]}>
        {label}
      </label>
      <div className={classes(styles["field"], error && styles["wrong"])}>
        {leading}
        <input
          {...input}
          id={id}
          className={styles["input"]}
          aria-invalid={error ? true : undefined}
          aria-describedby={description || undefined}
        />
        {trailing}
      </div>
      {help ? (
        <div id={`${id}-help`} className={styles["help"]}>
          {help}
        </div>
      ) : null}
      <FieldError id={`${id}-error`}>{error}</FieldError>
    </div>
  );
}

/** A password: hidden, with a button to see it. */
export function PasswordField(props: Omit<TextFieldProps, "type" | "trailing">): ReactNode {
  const t = useT();
  const [shown, setShown] = useState(false);
  return (
    <TextField
      {...props}
      type={shown ? "text" : "password"}
      autoCapitalize="none"
      spellCheck={false}
      trailing={
        <button
          type="button"
          className={styles["reveal"]}
          aria-label={t(shown ? "common:action.hidePassword" : "common:action.showPassword")}
          onClick={() => setShown(!shown)}
        >
          {shown ? <EyeOff size={18} /> : <Eye size={18} />}
        </button>
      }
    />
  );
}
