import { KeyRound, ShieldAlert, ShieldCheck } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useT } from "../../i18n/react";
import type { SecurityState } from "../../matrix/types";
import { Banner, Button, ConfirmDialog, ErrorState, Loading, Skeleton, useOwnViewModel, useViewModel } from "../../ui";
import { PasswordChangeViewModel } from "../../viewmodels/PasswordChangeViewModel";
import { useEnvironment, useSession } from "../context";
import { useFailureText } from "../failure";
import { NewPasswordForm } from "./NewPasswordForm";
import { RecoveryCodeDialog } from "./RecoveryCodeDialog";
import styles from "./settings.module.css";

/** Confirmation of this device, recovery code, saved history, password. */
export function SecuritySettings({ onVerifyDevice }: { onVerifyDevice: (deviceId?: string) => void }): ReactNode {
  const t = useT();
  const session = useSession();
  const environment = useEnvironment();
  const state = useViewModel(session.security.state);
  const password = useOwnViewModel(() => new PasswordChangeViewModel(session, environment), [session, environment]);
  return (
    <>
      <h2 className={styles["title"]}>{t("settings:security.title")}</h2>
      <State state={state} onVerifyDevice={onVerifyDevice} />
      <section className={styles["section"]}>
        <h3 className={styles["subtitle"]}>{t("settings:security.passwordTitle")}</h3>
        <NewPasswordForm model={password} />
      </section>
    </>
  );
}

function State({ state, onVerifyDevice }: { state: SecurityState; onVerifyDevice: (deviceId?: string) => void }): ReactNode {
  const t = useT();
  const session = useSession();
  const [step, setStep] = useState<"closed" | "asking" | "making">("closed");
  const failureText = useFailureText(state.status === "failed" ? state.failure : null);
  if (state.status === "failed") {
    return (
      <ErrorState
        message={failureText ?? ""}
        onRetry={() => {
          void session.security.retry().catch(() => {
            // The state says that it failed again.
          });
        }}
      />
    );
  }
  if (state.status !== "ready") {
    return (
      <Loading label={t("settings:security.checking")} className={styles["loading"]}>
        <Skeleton shape="block" />
        <Skeleton shape="block" />
      </Loading>
    );
  }
  return (
    <>
      <section className={styles["section"]}>
        <h3 className={styles["subtitle"]}>{t("settings:security.deviceTitle")}</h3>
        <Banner tone="seal" icon={<ShieldCheck size={24} />}>
          {t("settings:security.deviceReady")}
        </Banner>
        <p className={styles["intro"]}>{t("settings:security.verifyOtherHelp")}</p>
        <div>
          <Button variant="line" onClick={() => onVerifyDevice()}>
            {t("settings:security.verifyOther")}
          </Button>
        </div>
      </section>
      <section className={styles["section"]}>
        <h3 className={styles["subtitle"]}>{t("settings:security.codeTitle")}</h3>
        <Banner
          tone={state.recoveryCode ? "seal" : "alarm"}
          icon={state.recoveryCode ? <KeyRound size={24} /> : <ShieldAlert size={24} />}
        >
          {t(state.recoveryCode ? "settings:security.codeReady" : "settings:security.codeMissing")}
        </Banner>
        <div>
          <Button
            variant={state.recoveryCode ? "line" : "primary"}
            onClick={() => setStep(state.recoveryCode ? "asking" : "making")}
          >
            {t(state.recoveryCode ? "settings:security.codeReplace" : "settings:security.codeMake")}
          </Button>
        </div>
      </section>
      <section className={styles["section"]}>
        <h3 className={styles["subtitle"]}>{t("settings:security.backupTitle")}</h3>
        <Banner
          tone={state.backup ? "seal" : "pending"}
          icon={state.backup ? <ShieldCheck size={24} /> : <ShieldAlert size={24} />}
        >
          {t(state.backup ? "settings:security.backupReady" : "settings:security.backupStopped")}
        </Banner>
      </section>
      <ConfirmDialog
        open={step === "asking"}
        title={t("settings:security.codeReplaceTitle")}
        description={t("settings:security.codeReplaceIntro")}
        confirmLabel={t("settings:security.codeReplace")}
        onCancel={() => setStep("closed")}
        onConfirm={() => setStep("making")}
      />
      {step === "making" ? <RecoveryCodeDialog onDone={() => setStep("closed")} /> : null}
    </>
  );
}
