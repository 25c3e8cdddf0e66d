import type { ReactNode } from "react";
import { classes } from "./classes";
import styles from "./Skeleton.module.css";

/** The shape of what is coming: a line of text, a round or square face, a block. Widths and heights are CSS lengths. */
export function Skeleton({
  shape = "line",
  width,
  height,
}: {
  shape?: "line" | "person" | "group" | "block";
  width?: string;
  height?: string;
}): ReactNode {
  return <span className={classes(styles["skeleton"], styles[shape])} style={{ width, height }} />;
}

/** Wraps skeletons: tells a screen reader once that something is loading, and hides the shapes from it. */
export function Loading({
  label,
  className,
  children,
}: {
  label: string;
  className?: string | undefined;
  children: ReactNode;
}): ReactNode {
  return (
    <div role="status" className={className}>
      <span className="visually-hidden">{label}</span>
      <div aria-hidden="true" className={styles["shapes"]}>
        {children}
      </div>
    </div>
  );
}
