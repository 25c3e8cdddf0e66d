import { MonitorSmartphone } from "lucide-react";
import { type ReactNode, useId } from "react";
import { useT } from "../../i18n/react";
import { Button, CardPage, Form, TextButton, useTitle } from "../../ui";
import type { GateSnapshot, GateViewModel } from "../../viewmodels/GateViewModel";
import { FailureBanner, useFailureText } from "../failure";
import styles from "./first-run.module.css";

type Snapshot = Extract<GateSnapshot, { screen: "recovery" }>;

/** A new browser: the recovery code, another device, or starting over. */
export function RecoverView({
  snapshot,
  model,
  onOtherDevice,
  onSignOut,
}: {
  snapshot: Snapshot;
  model: GateViewModel;
  onOtherDevice: () => void;
  onSignOut: () => void;
}): ReactNode {
  const t = useT();
  const title = t("first-run:recover.title");
  useTitle(`${title} · Pli`);
  return (
    <CardPage title={title} wide footer={<TextButton onClick={onSignOut}>{t("first-run:recover.signOut")}</TextButton>}>
      <p>{t(snapshot.recoveryCode ? "first-run:recover.intro" : "first-run:recover.introNoCode")}</p>
      {snapshot.recoveryCode ? <WordsForm snapshot={snapshot} model={model} /> : null}
      {snapshot.otherDevice ? (
        <>
          {snapshot.recoveryCode ? <div className={styles["or"]}>{t("first-run:recover.or")}</div> : null}
          <Button
            variant={snapshot.recoveryCode ? "line" : "primary"}
            wide
            icon={<MonitorSmartphone size={18} />}
            onClick={onOtherDevice}
          >
            {t("first-run:recover.otherDevice")}
          </Button>
          <p className={styles["small"]}>{t("first-run:recover.otherDeviceHint")}</p>
        </>
      ) : null}
      <p className={styles["small"]}>
        <TextButton onClick={() => model.startReset()}>{t("first-run:recover.lost")}</TextButton>
      </p>
    </CardPage>
  );
}

function WordsForm({ snapshot, model }: { snapshot: Snapshot; model: GateViewModel }): ReactNode {
  const t = useT();
  const id = useId();
  const { failure } = snapshot;
  const ofTheWords = failure?.kind === "recovery-code-malformed" || failure?.kind === "recovery-code-wrong";
  const text = useFailureText(ofTheWords ? failure : null);
  const error = failure?.wordIndex === undefined ? text : t("first-run:recover.wordWrong", { position: failure.wordIndex + 1 });
  return (
    <Form onSubmit={() => void model.submitWords()}>
      <div className={styles["field"]}>
        <label htmlFor={id}>{t("first-run:recover.label")}</label>
        <textarea
          id={id}
          rows={3}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          // biome-ignore lint/a11y/noAutofocus: it is the main thing to do on its screen
          autoFocus
          required
          value={snapshot.words}
          aria-invalid={error ? true : undefined}
          aria-describedby={`${id}-help ${id}-error`}
          className={styles["textarea"]}
          onChange={(event) => model.setWords(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey) return;
            event.preventDefault();
            void model.submitWords();
          }}
        />
        <div id={`${id}-help`} className={styles["help"]}>
          <span>{t("first-run:recover.help")}</span>
          {snapshot.wordCount > 0 ? (
            <span className={styles["count"]}>{t("first-run:recover.count", { count: snapshot.wordCount })}</span>
          ) : null}
        </div>
        <div id={`${id}-error`} aria-live="polite" className={styles["error"]}>
          {error}
        </div>
      </div>
      {ofTheWords ? null : <FailureBanner failure={failure} />}
      <Button type="submit" wide busy={snapshot.busy}>
        {t("first-run:recover.submit")}
      </Button>
    </Form>
  );
}
