import { Bell } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useT } from "../../i18n/react";
import { Button, useViewModel } from "../../ui";
import type { NotificationsViewModel } from "../../viewmodels/NotificationsViewModel";
import styles from "./notifications.module.css";

/** Offers desktop notifications once, in a quiet place; the browser asks only after the person's own press. */
export function NotificationOffer({ model }: { model: NotificationsViewModel }): ReactNode {
  const t = useT();
  const { offered } = useViewModel(model);
  const [busy, setBusy] = useState(false);
  if (!offered) return null;
  return (
    <div className={styles["offer"]}>
      <Bell size={20} aria-hidden="true" className={styles["icon"]} />
      <div className={styles["words"]}>
        <p>{t("notifications:offer.text")}</p>
        <div className={styles["actions"]}>
          <Button
            size="s"
            busy={busy}
            onClick={async () => {
              setBusy(true);
              await model.enable();
              setBusy(false);
            }}
          >
            {t("notifications:offer.enable")}
          </Button>
          <Button size="s" variant="line" onClick={() => model.declineOffer()}>
            {t("notifications:offer.later")}
          </Button>
        </div>
      </div>
    </div>
  );
}
