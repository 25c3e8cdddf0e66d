import type { FormHTMLAttributes, ReactNode } from "react";
import { classes } from "./classes";
import styles from "./Form.module.css";

/** Properties of {@link Form}; those of `<form>` too. */
export interface FormProps extends Omit<FormHTMLAttributes<HTMLFormElement>, "onSubmit" | "className"> {
  /** The page stays where it is. */
  readonly onSubmit: () => void;
}

/** Fields and buttons below each other. */
export function Form({ onSubmit, ...form }: FormProps): ReactNode {
  return (
    <form
      {...form}
      className={styles["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    />
  );
}

/** Properties of {@link Check}. */
export interface CheckProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  /** What is ticked cannot be undone. */
  readonly grave?: boolean;
  readonly children: ReactNode;
}

/** A box to tick, with what it means. */
export function Check({ checked, onChange, grave, children }: CheckProps): ReactNode {
  return (
    <label className={classes(styles["check"], grave && styles["grave"])}>
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {children}
    </label>
  );
}

/** What is wrong with a field and what to do; read aloud when it appears. `id` is for the field's `aria-describedby`. */
export function FieldError({ id, children }: { id: string; children: string | null | undefined }): ReactNode {
  return (
    <div aria-live="polite">
      {children ? (
        <p id={id} className={styles["error"]}>
          {children}
        </p>
      ) : null}
    </div>
  );
}

/** What will be lost, a line each. */
export function Losses({ children }: { children: ReactNode }): ReactNode {
  return <ul className={styles["losses"]}>{children}</ul>;
}
