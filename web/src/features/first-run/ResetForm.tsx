import { type ReactNode, useState } from "react";
import { useT } from "../../i18n/react";
import type { FailureInfo } from "../../matrix/errors";
import { Banner, Button, Check, Form, Losses, PasswordField } from "../../ui";
import { FailureBanner, useFailureText } from "../failure";

/** Says what starting over costs, and starts over only after that was ticked and the password given, if there is one. */
export function ResetForm({
  busy,
  failure,
  asksPassword,
  onSubmit,
  onCancel,
}: {
  busy: boolean;
  failure: FailureInfo | null;
  asksPassword: boolean;
  onSubmit: (password: string) => void;
  onCancel: (() => void) | undefined;
}): ReactNode {
  const t = useT();
  const [understood, setUnderstood] = useState(false);
  const [password, setPassword] = useState("");
  const aboutPassword = failure?.kind === "wrong-password";
  const error = useFailureText(aboutPassword ? failure : null);
  return (
    <>
      <p>{t("first-run:reset.intro")}</p>
      <Banner tone="alarm">
        <Losses>
          <li>{t("first-run:reset.loss1")}</li>
          <li>{t("first-run:reset.loss2")}</li>
          <li>{t("first-run:reset.loss3")}</li>
        </Losses>
      </Banner>
      <Form
        onSubmit={() => {
          if (understood) onSubmit(password);
        }}
      >
        <Check grave checked={understood} onChange={setUnderstood}>
          {t("first-run:reset.understood")}
        </Check>
        {asksPassword ? (
          <PasswordField
            label={t("first-run:reset.password")}
            autoComplete="current-password"
            required
            value={password}
            error={error}
            onChange={(event) => setPassword(event.target.value)}
          />
        ) : null}
        {aboutPassword ? null : <FailureBanner failure={failure} />}
        <Button type="submit" variant="alarm" wide busy={busy} disabled={!understood || (asksPassword && password === "")}>
          {t("first-run:reset.submit")}
        </Button>
        {onCancel ? (
          <Button variant="line" wide onClick={onCancel}>
            {t("first-run:reset.cancel")}
          </Button>
        ) : null}
      </Form>
    </>
  );
}
