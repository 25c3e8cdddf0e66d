import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, type RefObject, useRef } from "react";
import { useT } from "../i18n/react";
import { Button, type ButtonVariant } from "./Button";
import { classes } from "./classes";
import styles from "./Dialog.module.css";
import { lastFocusOutside } from "./focusHistory";

/** Properties of {@link Dialog}. */
export interface DialogProps {
  readonly open: boolean;
  /** Escape, the cross or a press outside. Focus goes back to where it was. */
  readonly onClose: () => void;
  readonly title: string;
  /** One or two sentences under the title. */
  readonly description?: ReactNode;
  readonly children?: ReactNode;
  /** Buttons, the main one last. */
  readonly footer?: ReactNode;
  readonly width?: "s" | "m" | "l";
  /** False while an answer is needed: neither Escape nor a press outside closes, and there is no cross. */
  readonly dismissible?: boolean;
  /** What has the focus first; by default the first thing that can have it. */
  readonly initialFocus?: RefObject<HTMLElement | null>;
}

/** A window over the page that holds the focus until it is closed. On a phone it is a sheet from below. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  footer,
  width = "m",
  dismissible = true,
  initialFocus,
}: DialogProps): ReactNode {
  const t = useT();
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Base.Root
      open={open}
      disablePointerDismissal={!dismissible}
      onOpenChange={(next, details) => {
        if (next) return;
        if (dismissible) onClose();
        else details.cancel();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className={styles["backdrop"]} />
        <Base.Viewport className={styles["viewport"]}>
          <Base.Popup
            ref={popup}
            className={classes(styles["popup"], styles[width])}
            finalFocus={() => lastFocusOutside(popup.current) ?? true}
            {...(initialFocus ? { initialFocus } : {})}
          >
            <div className={styles["head"]}>
              <Base.Title className={styles["title"]}>{title}</Base.Title>
              {dismissible ? (
                <Base.Close className={styles["close"]} aria-label={t("common:action.close")}>
                  <X size={20} />
                </Base.Close>
              ) : null}
            </div>
            {description ? (
              <Base.Description render={<div />} className={styles["description"]}>
                {description}
              </Base.Description>
            ) : null}
            {children ? <div className={styles["body"]}>{children}</div> : null}
            {footer ? <div className={styles["footer"]}>{footer}</div> : null}
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}

/** Properties of {@link ConfirmDialog}. */
export interface ConfirmDialogProps {
  readonly open: boolean;
  readonly title: string;
  readonly description: ReactNode;
  readonly confirmLabel: string;
  readonly variant?: ButtonVariant;
  readonly busy?: boolean;
  readonly error?: string | null | undefined;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

/** Asks before doing something: two plain choices. */
export function ConfirmDialog({
  open,
  title,
  description,
  confirmLabel,
  variant = "primary",
  busy,
  error,
  onConfirm,
  onCancel,
}: ConfirmDialogProps): ReactNode {
  const t = useT();
  return (
    <Dialog
      open={open}
      onClose={onCancel}
      title={title}
      description={description}
      width="s"
      footer={
        <>
          <Button variant="line" onClick={onCancel}>
            {t("common:action.cancel")}
          </Button>
          <Button variant={variant} busy={busy ?? false} onClick={onConfirm}>
            {confirmLabel}
          </Button>
        </>
      }
    >
      {error ? (
        <p role="alert" className={styles["error"]}>
          {error}
        </p>
      ) : null}
    </Dialog>
  );
}
