import { CloudAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../i18n/react";
import { Button } from "./Button";
import styles from "./EmptyState.module.css";

/** Properties of {@link EmptyState}. */
export interface EmptyStateProps {
  readonly icon?: ReactNode;
  readonly title: string;
  /** What to do first. */
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** A place with nothing in it yet: says what to do first. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps): ReactNode {
  return (
    <div className={styles["state"]}>
      {icon ? <span className={styles["icon"]}>{icon}</span> : null}
      <p className={styles["title"]}>{title}</p>
      {children ? <div className={styles["words"]}>{children}</div> : null}
      {action}
    </div>
  );
}

/** Something could not be loaded: what happened, and a way to try again where that can help. */
export function ErrorState({
  title,
  message,
  onRetry,
  busy,
}: {
  title?: string;
  message: string;
  onRetry?: (() => void) | undefined;
  busy?: boolean;
}): ReactNode {
  const t = useT();
  return (
    <div role="alert" className={styles["state"]}>
      <span className={styles["icon"]}>
        <CloudAlert size={32} />
      </span>
      <p className={styles["title"]}>{title ?? t("common:error.title")}</p>
      <div className={styles["words"]}>{message}</div>
      {onRetry ? (
        <Button variant="line" onClick={onRetry} busy={busy ?? false}>
          {t("common:action.retry")}
        </Button>
      ) : null}
    </div>
  );
}
