import type { ReactNode } from "react";
import { formatCountdown } from "../../i18n/format";
import { Text, useT } from "../../i18n/react";
import type { FailureInfo } from "../../matrix/errors";
import { Banner, CodeField, Form, TextButton } from "../../ui";
import { FailureBanner, useFailureText } from "../failure";
import styles from "./auth.module.css";
import { SubmitButton } from "./SubmitButton";

/** What {@link CodeQuestion} shows. */
export interface CodeForm {
  readonly email: string;
  readonly code: string;
  readonly busy: boolean;
  readonly failure: FailureInfo | null;
  readonly waitSeconds: number;
  readonly resendSeconds: number;
  readonly resent: boolean;
}

/** What {@link CodeQuestion} does. */
export interface CodeActions {
  setCode(code: string): void;
  submitCode(): Promise<void>;
  resendMail(): Promise<void>;
  startOver(): void;
}

/** "A six-digit code is on its way": type or paste it, ask for another, correct the address. */
export function CodeQuestion({ form, actions }: { form: CodeForm; actions: CodeActions }): ReactNode {
  const t = useT();
  const ofTheCode = form.failure?.kind === "code-wrong" || form.failure?.kind === "code-expired";
  const codeError = useFailureText(ofTheCode ? form.failure : null);
  return (
    <>
      <p>
        <Text k="auth:code.intro" values={{ address: <strong className={styles["address"]}>{form.email}</strong> }} />
      </p>
      <Form onSubmit={() => void actions.submitCode()}>
        <CodeField
          label={t("auth:code.label")}
          value={form.code}
          autoFocus
          error={codeError}
          onChange={(code) => actions.setCode(code)}
          onComplete={(code) => {
            actions.setCode(code);
            void actions.submitCode();
          }}
        />
        {ofTheCode ? null : <FailureBanner failure={form.failure} />}
        <SubmitButton busy={form.busy} waitSeconds={form.waitSeconds} disabled={form.code.length < 6}>
          {t("common:action.continue")}
        </SubmitButton>
      </Form>
      {form.resent ? <Banner tone="seal">{t("auth:code.resent")}</Banner> : null}
      <p className={styles["small"]}>
        {form.resendSeconds > 0 ? (
          t("auth:code.nothingWait", { time: formatCountdown(form.resendSeconds) })
        ) : (
          <Text
            k="auth:code.nothing"
            values={{
              link: (
                <TextButton inline onClick={() => void actions.resendMail()}>
                  {t("auth:code.resend")}
                </TextButton>
              ),
            }}
          />
        )}
      </p>
      <p className={styles["small"]}>
        <TextButton onClick={() => actions.startOver()}>{t("auth:code.changeAddress")}</TextButton>
      </p>
    </>
  );
}
