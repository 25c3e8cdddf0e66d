/** The pages of the settings, in order. */
export const settingsSections = ["profile", "appearance", "notifications", "sessions", "security"] as const;

/** One page of the settings. */
export type SettingsSection = (typeof settingsSections)[number];

/** Whether `text` (from the address) names a page of the settings. */
export function isSettingsSection(text: string | undefined): text is SettingsSection {
  return settingsSections.some((section) => section === text);
}
