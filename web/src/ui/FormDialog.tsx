import { type ReactNode, useId } from "react";
import { useT } from "../i18n/react";
import { Button, type ButtonVariant } from "./Button";
import { Dialog, type DialogProps } from "./Dialog";
import { Form } from "./Form";

/** Properties of {@link FormDialog}; those of {@link DialogProps} too. */
export interface FormDialogProps extends Omit<DialogProps, "open" | "footer" | "dismissible"> {
  readonly submitLabel: string;
  readonly variant?: ButtonVariant;
  readonly busy: boolean;
  readonly disabled?: boolean;
  readonly onSubmit: () => void;
  /** Above the form. */
  readonly before?: ReactNode;
}

/** A window with a form, "Cancel" and what sends it. It is there as long as it is mounted. */
export function FormDialog({
  submitLabel,
  variant = "primary",
  busy,
  disabled = false,
  onSubmit,
  before,
  children,
  ...dialog
}: FormDialogProps): ReactNode {
  const t = useT();
  const id = useId();
  return (
    <Dialog
      {...dialog}
      open
      footer={
        <>
          <Button variant="line" onClick={dialog.onClose}>
            {t("common:action.cancel")}
          </Button>
          <Button type="submit" form={id} variant={variant} busy={busy} disabled={disabled}>
            {submitLabel}
          </Button>
        </>
      }
    >
      {before}
      <Form id={id} onSubmit={onSubmit}>
        {children}
      </Form>
    </Dialog>
  );
}
