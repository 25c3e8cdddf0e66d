import type { ReactNode } from "react";
import styles from "./Badge.module.css";
import { classes } from "./classes";

/** How many messages wait; more than 99 shows as `99+`. Nothing for zero. */
export function Badge({ count, quiet, label }: { count: number; quiet?: boolean; label: string }): ReactNode {
  if (count <= 0) return null;
  return (
    <span className={classes(styles["badge"], quiet && styles["quiet"])}>
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}

/** A word that qualifies a name: `guest` for people from outside, `seal` for what is confirmed, `pending` for what waits. */
export function Tag({
  tone = "plain",
  icon,
  children,
}: {
  tone?: "plain" | "seal" | "pending" | "guest" | "alarm";
  icon?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <span className={classes(styles["tag"], styles[tone])}>
      {icon}
      {children}
    </span>
  );
}
