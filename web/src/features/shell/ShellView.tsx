import { CloudOff, Keyboard, KeyRound, MessageCircle, Settings, WifiOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { useT } from "../../i18n/react";
import { Badge, Banner, Button, classes, IconButton, Seal, Tooltip, useShortcut, useTitle, useViewModel } from "../../ui";
import type { ShellViewModel } from "../../viewmodels/ShellViewModel";
import { PersonAvatar } from "../people/pictures";
import { ShortcutsDialog } from "./ShortcutsDialog";
import styles from "./shell.module.css";

/** Where the person is. */
export type Place = "conversations" | "settings";

/** The frame: the rail (or the bar below on a phone), notices, and the place itself. */
export function ShellView({
  model,
  place,
  barHidden,
  onOpenSecurity,
  children,
}: {
  model: ShellViewModel;
  place: Place;
  /** On a phone an open conversation takes the whole screen. */
  barHidden: boolean;
  onOpenSecurity: () => void;
  children: ReactNode;
}): ReactNode {
  const t = useT();
  const shell = useViewModel(model);
  const [shortcuts, setShortcuts] = useState(false);
  useShortcut("?", () => setShortcuts(true));
  useTitle(shell.title);
  const unread = shell.unread > 0 ? t("shell:nav.conversationsUnread", { count: shell.unread }) : t("shell:nav.conversations");
  return (
    <div className={classes(styles["shell"], barHidden && styles["barHidden"])}>
      <a href="#content" className={styles["skip"]}>
        {t("shell:skip")}
      </a>
      <nav className={styles["rail"]} aria-label={t("shell:nav.label")}>
        <span className={styles["mark"]}>
          <Seal />
        </span>
        <Tooltip label={t("shell:nav.conversations")} side="right">
          <Link
            href="/"
            aria-label={unread}
            aria-current={place === "conversations" ? "page" : undefined}
            className={styles["item"]}
          >
            <MessageCircle size={22} />
            <span className={styles["count"]} aria-hidden="true">
              <Badge count={place === "conversations" ? 0 : shell.unread} label="" />
            </span>
          </Link>
        </Tooltip>
        <span className={styles["space"]} />
        <span className={styles["help"]}>
          <IconButton
            size="l"
            label={t("shell:nav.shortcuts")}
            icon={<Keyboard size={22} />}
            onClick={() => setShortcuts(true)}
          />
        </span>
        <Tooltip label={t("shell:nav.settings")} side="right">
          <Link
            href="/settings"
            aria-label={t("shell:nav.settings")}
            aria-current={place === "settings" ? "page" : undefined}
            className={styles["item"]}
          >
            <Settings size={22} />
          </Link>
        </Tooltip>
        <Tooltip label={shell.me.displayName} side="right">
          <Link
            href="/settings/profile"
            aria-label={t("shell:nav.account", { name: shell.me.displayName })}
            className={styles["me"]}
          >
            <PersonAvatar person={shell.me} size={32} />
          </Link>
        </Tooltip>
      </nav>
      <div className={styles["notices"]}>
        {shell.link === "offline" ? (
          <Banner shape="line" tone="pending" icon={<WifiOff size={18} />}>
            {t("shell:link.offline")}
          </Banner>
        ) : null}
        {shell.link === "reconnecting" ? (
          <Banner shape="line" tone="pending" icon={<CloudOff size={18} />}>
            {t("shell:link.reconnecting")}
          </Banner>
        ) : null}
        {shell.offerRecoveryCode ? (
          <Banner
            shape="line"
            tone="alarm"
            icon={<KeyRound size={18} />}
            actions={
              <Button size="s" variant="line" onClick={onOpenSecurity}>
                {t("shell:code.make")}
              </Button>
            }
          >
            {t("shell:code.missing")}
          </Banner>
        ) : null}
        {shell.backupStopped ? (
          <Banner
            shape="line"
            tone="pending"
            icon={<KeyRound size={18} />}
            actions={
              <Button size="s" variant="line" onClick={onOpenSecurity}>
                {t("shell:code.see")}
              </Button>
            }
          >
            {t("shell:code.stopped")}
          </Banner>
        ) : null}
      </div>
      <div className={styles["place"]} id="content" tabIndex={-1}>
        {children}
      </div>
      <ShortcutsDialog open={shortcuts} onClose={() => setShortcuts(false)} />
    </div>
  );
}
