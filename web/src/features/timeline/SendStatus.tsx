import { Check, CircleAlert, Clock3, X } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { SendState, TimelineItem } from "../../matrix/types";
import { Button, IconButton, Progress } from "../../ui";
import { useFailureText } from "../failure";
import styles from "./bubble.module.css";

/** Beside the time of my message: on its way, arrived, not sent. */
export function SendMark({ send }: { send: SendState }): ReactNode {
  const t = useT();
  switch (send.status) {
    case "sent":
      return (
        <span role="img" aria-label={t("timeline:send.sent")} className={styles["mark"]}>
          <Check size={13} />
        </span>
      );
    case "failed":
      return (
        <span role="img" aria-label={t("timeline:send.failed")} className={styles["markFailed"]}>
          <CircleAlert size={13} />
        </span>
      );
    default:
      return (
        <span
          role="img"
          aria-label={t(send.status === "preparing" ? "timeline:send.preparing" : "timeline:send.sending")}
          className={styles["mark"]}
        >
          <Clock3 size={12} />
        </span>
      );
  }
}

/** How far the upload is, with the way to stop it. */
export function UploadProgress({ item, onAbort }: { item: TimelineItem; onAbort: () => void }): ReactNode {
  const t = useT();
  const { send, body } = item;
  if ((send.status !== "uploading" && send.status !== "preparing") || !("source" in body)) return null;
  const known = send.status === "uploading" && send.total > 0 ? send : null;
  return (
    <div className={styles["upload"]}>
      <div className={styles["uploadBar"]}>
        <Progress
          label={t("timeline:send.uploading", { name: body.name })}
          labelHidden
          value={known?.loaded}
          max={known?.total ?? 1}
        />
      </div>
      <IconButton size="s" label={t("timeline:action.abort", { name: body.name })} icon={<X size={16} />} onClick={onAbort} />
    </div>
  );
}

/** Under a message that did not leave: why, and what can be done. */
export function NotSent({
  send,
  onRetry,
  onDiscard,
}: {
  send: SendState;
  onRetry: () => void;
  onDiscard: () => void;
}): ReactNode {
  const t = useT();
  const reason = useFailureText(send.status === "failed" ? send.failure : null);
  if (send.status !== "failed") return null;
  return (
    <div className={styles["notSent"]}>
      <p role="alert">
        <strong>{t("timeline:send.failed")}</strong> · {reason}
      </p>
      <div className={styles["notSentActions"]}>
        <Button size="s" variant="line" onClick={onRetry}>
          {t("timeline:action.retry")}
        </Button>
        <Button size="s" variant="ghost" onClick={onDiscard}>
          {t("timeline:action.discard")}
        </Button>
      </div>
    </div>
  );
}
