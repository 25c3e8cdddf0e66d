import { Bell, ChevronLeft, LogOut, MonitorSmartphone, Palette, ShieldCheck, UserRound } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { useT } from "../../i18n/react";
import { classes, IconButton } from "../../ui";
import type { Messenger } from "../../viewmodels/Messenger";
import type { ThemeSetting } from "../../viewmodels/preferences";
import { AppearanceSettings } from "./AppearanceSettings";
import { NotificationSettings } from "./NotificationSettings";
import { ProfileSettings } from "./ProfileSettings";
import { SecuritySettings } from "./SecuritySettings";
import { SessionsSettings } from "./SessionsSettings";
import { type SettingsSection, settingsSections } from "./sections";
import styles from "./settings.module.css";

const icons = {
  profile: UserRound,
  appearance: Palette,
  notifications: Bell,
  sessions: MonitorSmartphone,
  security: ShieldCheck,
} as const;

/** Properties of {@link SettingsView}. */
export interface SettingsViewProps {
  /** The page shown; null shows the list alone on a phone, and the first page beside it elsewhere. */
  readonly section: SettingsSection | null;
  readonly messenger: Messenger;
  readonly theme: ThemeSetting;
  readonly onBack: () => void;
  readonly onSignOut: () => void;
  readonly onVerifyDevice: (deviceId?: string) => void;
}

/** The settings: their list, and one page of them. */
export function SettingsView({ section, onSignOut, ...page }: SettingsViewProps): ReactNode {
  const t = useT();
  const shown = section ?? "profile";
  return (
    <main className={classes(styles["settings"], section && styles["open"])} id="main">
      <h1 className="visually-hidden">{t("settings:title")}</h1>
      <nav className={styles["list"]} aria-label={t("settings:title")}>
        <p className={styles["heading"]} aria-hidden="true">
          {t("settings:title")}
        </p>
        <ul>
          {settingsSections.map((name) => {
            const Icon = icons[name];
            return (
              <li key={name}>
                <Link
                  href={`/settings/${name}`}
                  className={classes(styles["link"], name === shown && styles["selected"])}
                  aria-current={name === shown ? "page" : undefined}
                >
                  <Icon size={20} />
                  {t(`settings:nav.${name}`)}
                </Link>
              </li>
            );
          })}
          <li>
            <button type="button" className={classes(styles["link"], styles["leave"])} onClick={onSignOut}>
              <LogOut size={20} />
              {t("settings:nav.signOut")}
            </button>
          </li>
        </ul>
      </nav>
      <div className={styles["page"]}>
        <div className={styles["measure"]}>
          <div className={styles["back"]}>
            <IconButton label={t("common:action.back")} icon={<ChevronLeft size={22} />} onClick={page.onBack} />
          </div>
          <Page section={shown} {...page} />
        </div>
      </div>
    </main>
  );
}

function Page({
  section,
  messenger,
  theme,
  onVerifyDevice,
}: Omit<SettingsViewProps, "section" | "onSignOut"> & { section: SettingsSection }): ReactNode {
  switch (section) {
    case "profile":
      return <ProfileSettings />;
    case "appearance":
      return <AppearanceSettings theme={theme} />;
    case "notifications":
      return <NotificationSettings model={messenger.notifications} />;
    case "sessions":
      return <SessionsSettings onVerifyDevice={onVerifyDevice} />;
    case "security":
      return <SecuritySettings onVerifyDevice={onVerifyDevice} />;
  }
}
