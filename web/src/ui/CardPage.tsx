import type { ReactNode } from "react";
import styles from "./CardPage.module.css";
import { classes } from "./classes";
import { Seal } from "./Seal";

/** A page that is one card: one question at a time, under the seal. */
export function CardPage({
  title,
  wide,
  footer,
  children,
}: {
  title: string;
  wide?: boolean;
  footer?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <div className={styles["page"]}>
      <main className={classes(styles["card"], wide && styles["wide"])} id="main">
        <Seal label="Pli" />
        <h1 className={styles["title"]} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </main>
      {footer ? <footer className={styles["footer"]}>{footer}</footer> : null}
    </div>
  );
}
