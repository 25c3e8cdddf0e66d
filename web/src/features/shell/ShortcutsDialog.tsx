import { Fragment, type ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Dialog } from "../../ui";
import styles from "./shell.module.css";

/** Every key that does something, under "?". */
export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const t = useT();
  const ctrl = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : t("shell:key.ctrl");
  const alt = t("shell:key.alt");
  const enter = t("shell:key.enter");
  // What is done, and each way to do it.
  const rows: ReadonlyArray<[what: string, ...ways: readonly (readonly string[])[]]> = [
    [t("shell:shortcuts.search"), [ctrl, "K"]],
    // Browsers keep Ctrl + N for themselves, except where Pli is installed as an app.
    [t("shell:shortcuts.new"), [alt, "N"], [ctrl, "N"]],
    [t("shell:shortcuts.previous"), [alt, "↑"]],
    [t("shell:shortcuts.next"), [alt, "↓"]],
    [t("shell:shortcuts.send"), [enter]],
    [t("shell:shortcuts.line"), [t("shell:key.shift"), enter]],
    [t("shell:shortcuts.escape"), [t("shell:key.escape")]],
    [t("shell:shortcuts.regions"), ["F6"]],
    [t("shell:shortcuts.help"), ["?"]],
  ];
  return (
    <Dialog open={open} onClose={onClose} title={t("shell:shortcuts.title")} width="s">
      <dl className={styles["shortcuts"]}>
        {rows.map(([what, ...ways]) => (
          <div key={what} className={styles["shortcut"]}>
            <dt>{what}</dt>
            <dd>
              {ways.map((keys, way) => (
                <Fragment key={keys.join(" ")}>
                  {way > 0 ? <span className={styles["or"]}>{t("shell:key.or")}</span> : null}
                  {keys.map((key) => (
                    <kbd key={key} className={styles["key"]}>
                      {key}
                    </kbd>
                  ))}
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
