import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { FailureInfo } from "../../matrix/errors";
import { classes, Form, PasswordField } from "../../ui";
import { type PasswordProblem, shortestPassword } from "../../viewmodels/passwordRule";
import { FailureBanner } from "../failure";
import styles from "./auth.module.css";
import { SubmitButton } from "./SubmitButton";

/** What {@link PasswordQuestion} shows. */
export interface PasswordForm {
  readonly email: string;
  readonly password: string;
  readonly passwordProblem: PasswordProblem;
  readonly busy: boolean;
  readonly failure: FailureInfo | null;
  readonly waitSeconds: number;
}

/** The words under a new password: what is missing, or that it is fine. Nothing while it is empty. */
export function usePasswordAdvice(password: string, problem: PasswordProblem): string | null {
  const t = useT();
  if (password === "") return null;
  switch (problem) {
    case null:
      return t("auth:password.good");
    case "short":
      return t("auth:password.short", { count: shortestPassword - [...password].length });
    default:
      return t(`auth:password.${problem}`);
  }
}

/** A new password, with its rule said plainly while it is typed. */
export function NewPasswordField({
  label,
  form,
  autoFocus,
  onChange,
}: {
  label: string;
  form: Pick<PasswordForm, "password" | "passwordProblem">;
  autoFocus?: boolean;
  onChange: (password: string) => void;
}): ReactNode {
  const advice = usePasswordAdvice(form.password, form.passwordProblem);
  const filled = Math.min(1, [...form.password].length / shortestPassword);
  return (
    <PasswordField
      label={label}
      name="new-password"
      autoComplete="new-password"
      autoFocus={autoFocus ?? false}
      required
      value={form.password}
      onChange={(event) => onChange(event.target.value)}
      help={
        <>
          <span className={styles["meter"]} hidden={form.password === ""} aria-hidden="true">
            <span
              className={classes(styles["fill"], form.passwordProblem === null && styles["enough"])}
              style={{ transform: `scaleX(${filled})` }}
            />
          </span>
          <span aria-live="polite" className={classes(form.passwordProblem === null && styles["good"])}>
            {advice}
          </span>
        </>
      }
    />
  );
}

/** Asks for a new password. `children` stand between the field and the button. */
export function PasswordQuestion({
  form,
  submitLabel,
  onChange,
  onSubmit,
  children,
}: {
  form: PasswordForm;
  submitLabel: string;
  onChange: (password: string) => void;
  onSubmit: () => void;
  children?: ReactNode;
}): ReactNode {
  const t = useT();
  return (
    <>
      <p>{t("auth:password.intro")}</p>
      <Form onSubmit={() => onSubmit()}>
        {/* For password managers: which account the new password belongs to. */}
        <input type="email" name="email" autoComplete="username" value={form.email} readOnly hidden />
        <NewPasswordField label={t("auth:password.label")} form={form} autoFocus onChange={onChange} />
        {children}
        <FailureBanner failure={form.failure} />
        <SubmitButton busy={form.busy} waitSeconds={form.waitSeconds} disabled={form.passwordProblem !== null}>
          {submitLabel}
        </SubmitButton>
      </Form>
    </>
  );
}
