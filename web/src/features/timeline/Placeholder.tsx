import { Clock3, EyeOff, Lock, ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { TimelineItem, UnreadableReason } from "../../matrix/types";
import { classes } from "../../ui";
import { shortName } from "../../viewmodels/names";
import styles from "./bubble.module.css";

/** Those that may still resolve by themselves. */
const MAY_COME: ReadonlySet<UnreadableReason> = new Set<UnreadableReason>(["waiting", "backup-locked"]);

/** Stands where a message cannot be shown: removed, not readable (yet), or not surely by its sender. */
export function Placeholder({ item }: { item: TimelineItem }): ReactNode {
  const t = useT();
  const { body } = item;
  switch (body.kind) {
    case "redacted": {
      const byMe = item.mine && (body.by === null || body.by.userId === item.sender.userId);
      return <Line>{t(byMe ? "timeline:redacted.me" : "timeline:redacted.other")}</Line>;
    }
    case "unreadable":
      return (
        <Line icon={MAY_COME.has(body.reason) ? <Clock3 size={16} /> : <Lock size={16} />}>
          {t(`timeline:unreadable.${body.reason}`)}
        </Line>
      );
    case "untrusted":
      return (
        <Line icon={body.reason === "mismatched-sender" ? <ShieldAlert size={16} /> : <EyeOff size={16} />} warning>
          <strong>{t("timeline:untrusted.title")}</strong>
          <br />
          {t(`timeline:untrusted.${body.reason}`, { name: shortName(item.sender.displayName) })}
        </Line>
      );
    default:
      return <Line>{t("timeline:unsupported")}</Line>;
  }
}

function Line({ icon, warning, children }: { icon?: ReactNode; warning?: boolean; children: ReactNode }): ReactNode {
  return (
    <span className={classes(styles["placeholder"], warning && styles["warning"])}>
      {icon ? (
        <span className={styles["placeholderIcon"]} aria-hidden="true">
          {icon}
        </span>
      ) : null}
      <span>{children}</span>
    </span>
  );
}
