import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../i18n/react";
import { classes } from "./classes";
import styles from "./Toast.module.css";

/** What {@link showToast} shows. */
export interface ToastContent {
  readonly title: string;
  readonly description?: string;
  readonly tone?: "plain" | "alarm";
  readonly action?: { readonly label: string; readonly onPress: () => void };
  /** Milliseconds before it goes by itself; 0 keeps it until it is closed. 6 seconds by default. */
  readonly timeout?: number;
}

const manager = Base.createToastManager();

/** Shows a short notice in the corner; returns the way to take it back. */
export function showToast(content: ToastContent): () => void {
  const { action } = content;
  const id = manager.add({
    title: content.title,
    ...(content.description ? { description: content.description } : {}),
    type: content.tone ?? "plain",
    timeout: content.timeout ?? 6000,
    priority: content.tone === "alarm" ? "high" : "low",
    ...(action
      ? {
          actionProps: {
            children: action.label,
            onClick: () => {
              action.onPress();
              manager.close(id);
            },
          },
        }
      : {}),
  });
  return () => manager.close(id);
}

/** Where toasts appear. Once, at the root. F6 moves the focus there. */
export function Toasts({ children }: { children: ReactNode }): ReactNode {
  return (
    <Base.Provider toastManager={manager} limit={3}>
      {children}
      <Base.Portal>
        <Base.Viewport className={styles["viewport"]}>
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function List(): ReactNode {
  const t = useT();
  const { toasts } = Base.useToastManager();
  return toasts.map((toast) => (
    <Base.Root key={toast.id} toast={toast} className={classes(styles["toast"], toast.type === "alarm" && styles["alarm"])}>
      <Base.Content className={styles["content"]}>
        <div className={styles["words"]}>
          <Base.Title className={styles["title"]} />
          <Base.Description className={styles["description"]} />
        </div>
        <Base.Action className={styles["action"]} />
        <Base.Close className={styles["close"]} aria-label={t("common:action.close")}>
          <X size={18} />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ));
}
