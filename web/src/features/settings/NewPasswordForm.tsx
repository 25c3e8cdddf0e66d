import { type ReactNode, useEffect } from "react";
import { formatCountdown } from "../../i18n/format";
import { useT } from "../../i18n/react";
import { Banner, Button, Check, Form, PasswordField, useViewModel } from "../../ui";
import type { PasswordChangeViewModel } from "../../viewmodels/PasswordChangeViewModel";
import { NewPasswordField } from "../auth/PasswordQuestion";
import { FailureBanner, useFailureText } from "../failure";

/** Changes the password, if there is one: the present one, the new one. */
export function NewPasswordForm({ model }: { model: PasswordChangeViewModel }): ReactNode {
  const t = useT();
  const form = useViewModel(model);
  const aboutCurrent = form.failure?.kind === "wrong-password";
  const error = useFailureText(aboutCurrent ? form.failure : null);
  useEffect(() => {
    void model.start();
  }, [model]);
  if (!form.hasPassword) return <p>{t("settings:security.noPassword")}</p>;
  return (
    <Form onSubmit={() => void model.submit()}>
      {form.changed ? <Banner tone="seal">{t("settings:security.passwordChanged")}</Banner> : null}
      <PasswordField
        label={t("settings:security.current")}
        autoComplete="current-password"
        required
        value={form.current}
        error={error}
        onChange={(event) => model.setCurrent(event.target.value)}
      />
      <NewPasswordField label={t("settings:security.new")} form={form} onChange={(password) => model.setPassword(password)} />
      <Check checked={form.signOutOthers} onChange={(checked) => model.setSignOutOthers(checked)}>
        {t("settings:security.signOutOthers")}
      </Check>
      {aboutCurrent ? null : <FailureBanner failure={form.failure} />}
      <div>
        <Button
          type="submit"
          busy={form.busy}
          disabled={form.current === "" || form.passwordProblem !== null || form.waitSeconds > 0}
        >
          {form.waitSeconds > 0
            ? t("auth:wait", { time: formatCountdown(form.waitSeconds) })
            : t("settings:security.changePassword")}
        </Button>
      </div>
    </Form>
  );
}
