import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { Text, useT } from "../../i18n/react";
import { Form, Progress, TextField, useTitle, useViewModel } from "../../ui";
import type { SignUpSnapshot, SignUpViewModel } from "../../viewmodels/SignUpViewModel";
import { FailureBanner, useFailureText } from "../failure";
import { AuthPage } from "./AuthPage";
import styles from "./auth.module.css";
import { CodeQuestion } from "./CodeQuestion";
import { EmailQuestion } from "./EmailQuestion";
import { PasswordQuestion } from "./PasswordQuestion";
import { SubmitButton } from "./SubmitButton";

const titles = {
  email: "auth:signUp.title",
  code: "auth:code.title",
  token: "auth:token.title",
  terms: "auth:terms.title",
  password: "auth:password.title",
  done: "auth:done.title",
} as const;

/** Sign-up, one question at a time. */
export function SignUpView({ model, onPreload }: { model: SignUpViewModel; onPreload: () => void }): ReactNode {
  const t = useT();
  const form = useViewModel(model);
  const title = t(titles[form.question]);
  useTitle(`${title} · Pli`);
  useEffect(() => {
    if (form.question === "password") onPreload();
  }, [form.question, onPreload]);
  return (
    <AuthPage key={form.question} title={title}>
      <Question form={form} model={model} />
    </AuthPage>
  );
}

function Question({ form, model }: { form: SignUpSnapshot; model: SignUpViewModel }): ReactNode {
  const t = useT();
  switch (form.question) {
    case "email":
      return (
        <>
          <p>{t("auth:signUp.intro")}</p>
          <EmailQuestion
            form={form}
            submitLabel={t("common:action.continue")}
            onChange={(email) => model.setEmail(email)}
            onSubmit={() => void model.submitEmail()}
          />
          <p className={styles["small"]}>
            <Text k="auth:signUp.haveAccount" values={{ link: <Link href="/sign-in">{t("auth:signUp.signIn")}</Link> }} />
          </p>
        </>
      );
    case "code":
      return <CodeQuestion form={form} actions={model} />;
    case "token":
      return <TokenQuestion form={form} model={model} />;
    case "terms":
      return <TermsQuestion form={form} model={model} />;
    case "password":
      return (
        <PasswordQuestion
          form={form}
          submitLabel={t("auth:password.submit")}
          onChange={(password) => model.setPassword(password)}
          onSubmit={() => void model.submitPassword()}
        />
      );
    case "done":
      return (
        <>
          <p>{t("auth:done.intro")}</p>
          <Progress label={t("common:state.loading")} labelHidden />
        </>
      );
  }
}

function TokenQuestion({ form, model }: { form: SignUpSnapshot; model: SignUpViewModel }): ReactNode {
  const t = useT();
  const mine = form.failure?.kind === "token-wrong";
  const error = useFailureText(mine ? form.failure : null);
  return (
    <>
      <p>{t("auth:token.intro")}</p>
      <Form onSubmit={() => void model.submitToken()}>
        <TextField
          label={t("auth:token.label")}
          name="token"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={form.token}
          error={error}
          onChange={(event) => model.setToken(event.target.value)}
        />
        {mine ? null : <FailureBanner failure={form.failure} />}
        <SubmitButton busy={form.busy} waitSeconds={form.waitSeconds}>
          {t("common:action.continue")}
        </SubmitButton>
      </Form>
    </>
  );
}

function TermsQuestion({ form, model }: { form: SignUpSnapshot; model: SignUpViewModel }): ReactNode {
  const t = useT();
  return (
    <>
      <p>{t("auth:terms.intro")}</p>
      <ul className={styles["documents"]}>
        {form.documents.map((document) => (
          <li key={document.id}>
            <a href={document.url} target="_blank" rel="noreferrer noopener">
              {document.name}
            </a>
          </li>
        ))}
      </ul>
      <Form onSubmit={() => void model.acceptTerms()}>
        <FailureBanner failure={form.failure} />
        <SubmitButton busy={form.busy} waitSeconds={form.waitSeconds}>
          {t("auth:terms.accept")}
        </SubmitButton>
      </Form>
    </>
  );
}
