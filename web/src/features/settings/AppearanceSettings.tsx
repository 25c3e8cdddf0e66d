import { Contrast, Monitor, Moon, Sun } from "lucide-react";
import type { ReactNode } from "react";
import { type Language, setLanguage } from "../../i18n";
import { useLanguage, useT } from "../../i18n/react";
import { Choice, useViewModel } from "../../ui";
import { rememberLanguage, type Theme, type ThemeSetting } from "../../viewmodels/preferences";
import { useEnvironment } from "../context";
import styles from "./settings.module.css";

/** Light or dark, French or English: at once, and kept in this browser. */
export function AppearanceSettings({ theme }: { theme: ThemeSetting }): ReactNode {
  const t = useT();
  const language = useLanguage();
  const environment = useEnvironment();
  const chosen = useViewModel(theme);
  return (
    <>
      <h2 className={styles["title"]}>{t("settings:appearance.title")}</h2>
      <Choice<Theme>
        legend={t("settings:appearance.theme")}
        value={chosen}
        onChange={(value) => theme.choose(value)}
        options={[
          { value: "system", label: t("settings:appearance.system"), icon: <Monitor size={18} /> },
          { value: "light", label: t("settings:appearance.light"), icon: <Sun size={18} /> },
          { value: "dark", label: t("settings:appearance.dark"), icon: <Moon size={18} /> },
          { value: "contrast", label: t("settings:appearance.contrast"), icon: <Contrast size={18} /> },
        ]}
      />
      <Choice<Language>
        legend={t("settings:appearance.language")}
        value={language}
        onChange={(value) => {
          rememberLanguage(environment, value);
          setLanguage(value);
        }}
        options={[
          { value: "fr", label: "Français" },
          { value: "en", label: "English" },
        ]}
      />
    </>
  );
}
