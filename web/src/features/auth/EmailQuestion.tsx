import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { FailureInfo } from "../../matrix/errors";
import { Form, TextField } from "../../ui";
import { FailureBanner, useFailureText } from "../failure";
import { SubmitButton } from "./SubmitButton";

const ofTheAddress = new Set(["email-invalid", "email-in-use", "email-not-allowed", "email-unknown"]);

/** Asks for the work address. */
export function EmailQuestion({
  form,
  submitLabel,
  onChange,
  onSubmit,
}: {
  form: { readonly email: string; readonly busy: boolean; readonly failure: FailureInfo | null; readonly waitSeconds: number };
  submitLabel: string;
  onChange: (email: string) => void;
  onSubmit: () => void;
}): ReactNode {
  const t = useT();
  const mine = form.failure !== null && ofTheAddress.has(form.failure.kind);
  const error = useFailureText(mine ? form.failure : null);
  return (
    <Form onSubmit={onSubmit}>
      <TextField
        label={t("auth:signIn.email")}
        type="email"
        name="email"
        autoComplete="email"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        required
        value={form.email}
        error={error}
        onChange={(event) => onChange(event.target.value)}
      />
      {mine ? null : <FailureBanner failure={form.failure} />}
      <SubmitButton busy={form.busy} waitSeconds={form.waitSeconds}>
        {submitLabel}
      </SubmitButton>
    </Form>
  );
}
