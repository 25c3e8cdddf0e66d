import { Copy, Printer } from "lucide-react";
import { type ReactNode, useState } from "react";
import { createPortal } from "react-dom";
import { useT } from "../../i18n/react";
import { Banner, Button, Form, PasswordField, Progress, TextField, useViewModel } from "../../ui";
import type { RecoveryCodePurpose, RecoveryCodeSnapshot, RecoveryCodeViewModel } from "../../viewmodels/RecoveryCodeViewModel";
import { FailureBanner, useFailureText } from "../failure";
import styles from "./first-run.module.css";
import { ResetForm } from "./ResetForm";

/** The title of each step, for the page or dialog around it. */
export function useRecoveryCodeTitle(snapshot: RecoveryCodeSnapshot, purpose: RecoveryCodePurpose): string {
  const t = useT();
  switch (snapshot.step) {
    case "password":
      return t(purpose === "reset" ? "first-run:reset.title" : "first-run:password.title");
    case "preparing":
    case "done":
      return t("first-run:preparing.title");
    case "failed":
      return t("first-run:failed.title");
    case "show":
      return t("first-run:show.title");
    case "confirm":
      return t("first-run:confirm.title");
  }
}

/** The body of each step: preparing, the words, two of them asked again. */
export function RecoveryCodeSteps({
  model,
  purpose,
  resumed,
  onCancel,
}: {
  model: RecoveryCodeViewModel;
  purpose: RecoveryCodePurpose;
  /** The code of the last visit was never confirmed. */
  resumed?: boolean;
  /** Leaves a reset before the password was given. */
  onCancel?: () => void;
}): ReactNode {
  const snapshot = useViewModel(model);
  switch (snapshot.step) {
    case "password":
      return purpose === "reset" ? (
        <ResetForm
          busy={snapshot.busy}
          failure={snapshot.failure}
          asksPassword={snapshot.asksPassword}
          onSubmit={(password) => void model.submitPassword(password)}
          onCancel={onCancel}
        />
      ) : (
        <PasswordStep snapshot={snapshot} model={model} />
      );
    case "preparing":
    case "done":
      return <PreparingStep />;
    case "failed":
      return <FailedStep snapshot={snapshot} model={model} />;
    case "show":
      return <WordsStep words={snapshot.words} model={model} resumed={resumed ?? false} />;
    case "confirm":
      return <ConfirmStep snapshot={snapshot} model={model} />;
  }
}

type At<Step extends RecoveryCodeSnapshot["step"]> = Extract<RecoveryCodeSnapshot, { step: Step }>;

function PasswordStep({ snapshot, model }: { snapshot: At<"password">; model: RecoveryCodeViewModel }): ReactNode {
  const t = useT();
  const [password, setPassword] = useState("");
  const error = useFailureText(snapshot.failure);
  return (
    <>
      <p>{t("first-run:password.intro")}</p>
      <Form onSubmit={() => void model.submitPassword(password)}>
        <PasswordField
          label={t("first-run:password.label")}
          autoComplete="current-password"
          autoFocus
          required
          value={password}
          error={error}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" wide busy={snapshot.busy}>
          {t("first-run:password.submit")}
        </Button>
      </Form>
    </>
  );
}

function PreparingStep(): ReactNode {
  const t = useT();
  return (
    <>
      <p>{t("first-run:preparing.intro")}</p>
      <Progress label={t("first-run:preparing.progress")} />
    </>
  );
}

function FailedStep({ snapshot, model }: { snapshot: At<"failed">; model: RecoveryCodeViewModel }): ReactNode {
  const t = useT();
  return (
    <>
      <p>{t("first-run:failed.intro")}</p>
      <FailureBanner failure={snapshot.failure} />
      <Button wide onClick={() => void model.retry()}>
        {t("common:action.retry")}
      </Button>
    </>
  );
}

function WordsStep({
  words,
  model,
  resumed,
}: {
  words: readonly string[];
  model: RecoveryCodeViewModel;
  resumed: boolean;
}): ReactNode {
  const t = useT();
  const [copied, setCopied] = useState<"no" | "yes" | "failed">("no");
  return (
    <>
      {resumed ? <Banner tone="pending">{t("first-run:show.resumed")}</Banner> : null}
      <p>{t("first-run:show.intro")}</p>
      <Words words={words} label={t("first-run:show.words")} />
      <div className={styles["actions"]}>
        <Button variant="line" icon={<Printer size={18} />} onClick={() => window.print()}>
          {t("first-run:show.print")}
        </Button>
        <Button
          variant="line"
          icon={<Copy size={18} />}
          onClick={() => {
            model.copy().then(
              () => setCopied("yes"),
              () => setCopied("failed"),
            );
          }}
        >
          {t("first-run:show.copy")}
        </Button>
      </div>
      {copied === "no" ? null : (
        <Banner tone={copied === "yes" ? "seal" : "pending"}>
          {t(copied === "yes" ? "first-run:show.copied" : "first-run:show.copyFailed")}
        </Banner>
      )}
      <Button wide onClick={() => model.writtenDown()}>
        {t("first-run:show.next")}
      </Button>
      <p className={styles["small"]}>{t("first-run:show.hint")}</p>
      {createPortal(
        <div className={styles["print"]}>
          <h1>{t("first-run:show.printTitle")}</h1>
          <Words words={words} label={t("first-run:show.words")} />
          <p>{t("first-run:show.printAdvice")}</p>
        </div>,
        document.body,
      )}
    </>
  );
}

function Words({ words, label }: { words: readonly string[]; label: string }): ReactNode {
  return (
    <ol className={styles["words"]} aria-label={label}>
      {words.map((word, position) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a word may occur twice; its place is its name
        <li key={position}>
          <span className={styles["number"]}>{position + 1}</span>
          {word}
        </li>
      ))}
    </ol>
  );
}

function ConfirmStep({ snapshot, model }: { snapshot: At<"confirm">; model: RecoveryCodeViewModel }): ReactNode {
  const t = useT();
  const fields = [0, 1] as const;
  return (
    <>
      <p>{t("first-run:confirm.intro")}</p>
      <Form onSubmit={() => model.confirm()}>
        {fields.map((which) => {
          const position = snapshot.positions[which] + 1;
          return (
            <TextField
              key={position}
              label={t("first-run:confirm.word", { position })}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus={which === 0}
              required
              value={snapshot.answers[which]}
              error={snapshot.wrong[which] ? t("first-run:confirm.wrong", { position }) : null}
              onChange={(event) => model.setAnswer(which, event.target.value)}
            />
          );
        })}
        <Button type="submit" wide>
          {t("first-run:confirm.submit")}
        </Button>
        <Button variant="ghost" wide onClick={() => model.showAgain()}>
          {t("first-run:confirm.back")}
        </Button>
      </Form>
    </>
  );
}
