import type { ReactNode } from "react";
import { Link } from "wouter";
import { useT } from "../../i18n/react";
import { Check, Progress, useTitle, useViewModel } from "../../ui";
import type { PasswordResetSnapshot, PasswordResetViewModel } from "../../viewmodels/PasswordResetViewModel";
import { FailureBanner } from "../failure";
import { AuthPage } from "./AuthPage";
import styles from "./auth.module.css";
import { CodeQuestion } from "./CodeQuestion";
import { EmailQuestion } from "./EmailQuestion";
import { PasswordQuestion } from "./PasswordQuestion";

const titles = {
  email: "auth:reset.title",
  code: "auth:code.title",
  password: "auth:password.title",
  done: "auth:done.title",
} as const;

/** "Forgot password": a mailed code, then a new password. */
export function PasswordResetView({ model }: { model: PasswordResetViewModel }): ReactNode {
  const t = useT();
  const form = useViewModel(model);
  const title = t(titles[form.question]);
  useTitle(`${title} · Pli`);
  return (
    <AuthPage key={form.question} title={title}>
      <Question form={form} model={model} />
    </AuthPage>
  );
}

function Question({ form, model }: { form: PasswordResetSnapshot; model: PasswordResetViewModel }): ReactNode {
  const t = useT();
  switch (form.question) {
    case "email":
      return (
        <>
          <p>{t("auth:reset.intro")}</p>
          <EmailQuestion
            form={form}
            submitLabel={t("auth:reset.submit")}
            onChange={(email) => model.setEmail(email)}
            onSubmit={() => void model.submitEmail()}
          />
          <p className={styles["small"]}>
            <Link href="/sign-in">{t("auth:reset.back")}</Link>
          </p>
        </>
      );
    case "code":
      return <CodeQuestion form={form} actions={model} />;
    case "password":
      return (
        <PasswordQuestion
          form={form}
          submitLabel={t("auth:reset.passwordSubmit")}
          onChange={(password) => model.setPassword(password)}
          onSubmit={() => void model.submitPassword()}
        >
          <p className={styles["small"]}>{t("auth:reset.keep")}</p>
          <Check checked={form.signOutDevices} onChange={(checked) => model.setSignOutDevices(checked)}>
            {t("auth:reset.signOutDevices")}
          </Check>
        </PasswordQuestion>
      );
    case "done":
      return (
        <>
          <p>{t("auth:reset.done")}</p>
          {form.failure ? (
            <>
              <FailureBanner failure={form.failure} />
              <Link href="/sign-in">{t("auth:reset.signIn")}</Link>
            </>
          ) : (
            <Progress label={t("common:state.loading")} labelHidden />
          )}
        </>
      );
  }
}
