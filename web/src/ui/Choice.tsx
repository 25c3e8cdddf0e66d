import { type ReactNode, useId } from "react";
import styles from "./Choice.module.css";

/** Properties of {@link Choice}. */
export interface ChoiceProps<Value extends string> {
  readonly legend: string;
  readonly value: Value;
  readonly options: ReadonlyArray<{ readonly value: Value; readonly label: string; readonly icon?: ReactNode }>;
  readonly onChange: (value: Value) => void;
}

/** One of a few, all in sight; takes effect at once. */
export function Choice<Value extends string>({ legend, value, options, onChange }: ChoiceProps<Value>): ReactNode {
  const name = useId();
  return (
    <fieldset className={styles["set"]}>
      <legend className={styles["legend"]}>{legend}</legend>
      <div className={styles["options"]}>
        {options.map((option) => (
          <label key={option.value} className={styles["option"]}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="visually-hidden"
            />
            {option.icon}
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
