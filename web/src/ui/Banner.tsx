import type { ReactNode } from "react";
import styles from "./Banner.module.css";
import { classes } from "./classes";

/** Properties of {@link Banner}. */
export interface BannerProps {
  /** Red is for alarms alone, amber for waiting. */
  readonly tone?: "plain" | "seal" | "pending" | "alarm";
  readonly icon?: ReactNode;
  readonly title?: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  /** `line` runs across the page's edge, `card` stands in the text. */
  readonly shape?: "line" | "card";
}

/** A notice that stays as long as what it tells. An alarm interrupts a screen reader, the others wait. */
export function Banner({ tone = "plain", icon, title, children, actions, shape = "card" }: BannerProps): ReactNode {
  return (
    <div role={tone === "alarm" ? "alert" : "status"} className={classes(styles["banner"], styles[tone], styles[shape])}>
      {icon ? <span className={styles["icon"]}>{icon}</span> : null}
      <div className={styles["words"]}>
        {title ? <strong className={styles["title"]}>{title}</strong> : null}
        {children ? <div>{children}</div> : null}
      </div>
      {actions ? <div className={styles["actions"]}>{actions}</div> : null}
    </div>
  );
}
