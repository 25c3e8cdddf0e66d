import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Banner, Switch, useViewModel } from "../../ui";
import type { NotificationsViewModel } from "../../viewmodels/NotificationsViewModel";
import styles from "./settings.module.css";

/** Whether new messages show on the desktop, and with how many words. */
export function NotificationSettings({ model }: { model: NotificationsViewModel }): ReactNode {
  const t = useT();
  const { permission, enabled, showText } = useViewModel(model);
  const impossible = permission === "denied" || permission === "unsupported";
  return (
    <>
      <h2 className={styles["title"]}>{t("settings:notifications.title")}</h2>
      {impossible ? (
        <Banner tone="pending">
          {t(permission === "denied" ? "settings:notifications.denied" : "settings:notifications.unsupported")}
        </Banner>
      ) : null}
      <Switch
        label={t("settings:notifications.enable")}
        help={t("settings:notifications.enableHelp")}
        checked={enabled}
        disabled={impossible}
        onChange={(wanted) => {
          if (wanted) void model.enable();
          else model.disable();
        }}
      />
      <Switch
        label={t("settings:notifications.text")}
        help={t("settings:notifications.textHelp")}
        checked={showText}
        disabled={!enabled}
        onChange={(wanted) => model.setShowText(wanted)}
      />
    </>
  );
}
