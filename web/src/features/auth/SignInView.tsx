import type { ReactNode } from "react";
import { Link } from "wouter";
import { Text, useT } from "../../i18n/react";
import type { SignedOutReason } from "../../matrix/api";
import { Banner, Button, Form, PasswordField, TextField, useTitle, useViewModel } from "../../ui";
import { expectLoginToken } from "../../viewmodels/loginToken";
import type { SignInViewModel } from "../../viewmodels/SignInViewModel";
import { FailureBanner } from "../failure";
import { AuthPage } from "./AuthPage";
import styles from "./auth.module.css";
import { SubmitButton } from "./SubmitButton";

/** Sign-in: the work address and the password. */
export function SignInView({
  model,
  reason,
  onPreload,
}: {
  model: SignInViewModel;
  reason: SignedOutReason | null;
  onPreload: () => void;
}): ReactNode {
  const t = useT();
  const form = useViewModel(model);
  useTitle(`${t("auth:signIn.submit")} · Pli`);
  return (
    <AuthPage title={t("auth:signIn.title")}>
      {reason ? (
        <Banner tone={reason === "by-me" ? "seal" : "pending"}>
          {t(reason === "by-me" ? "auth:signIn.signedOutByMe" : "auth:signIn.signedOutByServer")}
        </Banner>
      ) : (
        <p>{t("auth:signIn.intro")}</p>
      )}
      <Form onFocus={onPreload} onSubmit={() => void model.submit()}>
        <TextField
          label={t("auth:signIn.email")}
          type="text"
          inputMode="email"
          name="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          value={form.email}
          onChange={(event) => model.setEmail(event.target.value)}
        />
        <PasswordField
          label={t("auth:signIn.password")}
          name="password"
          autoComplete="current-password"
          required
          value={form.password}
          onChange={(event) => model.setPassword(event.target.value)}
        />
        <FailureBanner failure={form.failure} />
        <SubmitButton busy={form.busy} waitSeconds={form.waitSeconds}>
          {t("auth:signIn.submit")}
        </SubmitButton>
      </Form>
      {form.providers.map((provider) => (
        <Button
          key={provider.id}
          variant="line"
          wide
          onClick={() => window.location.assign(model.addressOf(provider, expectLoginToken()))}
        >
          {t("auth:signIn.with", { name: provider.name })}
        </Button>
      ))}
      <div className={styles["small"]}>
        <p>
          <Link href="/reset-password">{t("auth:signIn.forgot")}</Link>
        </p>
        <p>
          <Text k="auth:signIn.noAccount" values={{ link: <Link href="/sign-up">{t("auth:signIn.createAccount")}</Link> }} />
        </p>
      </div>
    </AuthPage>
  );
}
