import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Dialog } from "../../ui";
import styles from "./shell.module.css";

/** Every key that does something, under "?". */
export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const t = useT();
  const ctrl = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : t("shell:key.ctrl");
  const alt = t("shell:key.alt");
  const rows: ReadonlyArray<[what: string, keys: readonly string[]]> = [
    [t("shell:shortcuts.search"), [ctrl, "K"]],
    [t("shell:shortcuts.new"), [ctrl, "N"]],
    [t("shell:shortcuts.previous"), [alt, "↑"]],
    [t("shell:shortcuts.next"), [alt, "↓"]],
    [t("shell:shortcuts.send"), [t("shell:key.enter")]],
    [t("shell:shortcuts.line"), [t("shell:key.shift"), t("shell:key.enter")]],
    [t("shell:shortcuts.escape"), [t("shell:key.escape")]],
    [t("shell:shortcuts.regions"), ["F6"]],
    [t("shell:shortcuts.help"), ["?"]],
  ];
  return (
    <Dialog open={open} onClose={onClose} title={t("shell:shortcuts.title")} width="s">
      <dl className={styles["shortcuts"]}>
        {rows.map(([what, keys]) => (
          <div key={what} className={styles["shortcut"]}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key} className={styles["key"]}>
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
