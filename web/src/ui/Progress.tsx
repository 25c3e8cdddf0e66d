import { type ReactNode, useId } from "react";
import { classes } from "./classes";
import styles from "./Progress.module.css";

/** A bar that fills. `value` and `max` in any unit; without `value` the end is not known yet. */
export function Progress({
  label,
  labelHidden,
  value,
  max = 1,
  detail,
}: {
  label: string;
  labelHidden?: boolean;
  value?: number | undefined;
  max?: number;
  detail?: string | undefined;
}): ReactNode {
  const id = useId();
  const share = value === undefined || max <= 0 ? undefined : Math.min(1, Math.max(0, value / max));
  return (
    <div className={styles["group"]}>
      <div className={labelHidden ? "visually-hidden" : styles["words"]}>
        <span id={id}>{label}</span>
        {detail ? <span className={styles["detail"]}>{detail}</span> : null}
      </div>
      <div
        role="progressbar"
        aria-labelledby={id}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === undefined ? undefined : Math.round(share * 100)}
        className={styles["bar"]}
      >
        <div
          className={classes(styles["fill"], share === undefined && styles["unknown"])}
          style={share === undefined ? undefined : { transform: `scaleX(${share})` }}
        />
      </div>
    </div>
  );
}
