import { type ReactNode, useEffect } from "react";
import { useT } from "../../i18n/react";
import { CardPage, ErrorState, Progress, useTitle, useViewModel } from "../../ui";
import type { GateSnapshot, GateViewModel } from "../../viewmodels/GateViewModel";
import { useFailureText } from "../failure";
import { RecoverView } from "./RecoverView";
import { RecoveryCodeSteps, useRecoveryCodeTitle } from "./RecoveryCodeSteps";
import { RestoringView } from "./RestoringView";

/** First run and recovery; once nothing stands in the way, `children`. */
export function GateView({
  model,
  onOtherDevice,
  onSignOut,
  children,
}: {
  model: GateViewModel;
  /** Starts comparing emojis with another of the person's devices. */
  onOtherDevice: () => void;
  onSignOut: () => void;
  children: ReactNode;
}): ReactNode {
  const snapshot = useViewModel(model);
  switch (snapshot.screen) {
    case "checking":
      return <CheckingView />;
    case "failed":
      return <FailedView snapshot={snapshot} onRetry={() => void model.retry()} />;
    case "recovery-code":
      return <CodePage snapshot={snapshot} onCancel={() => model.cancelReset()} />;
    case "recovery":
      return <RecoverView snapshot={snapshot} model={model} onOtherDevice={onOtherDevice} onSignOut={onSignOut} />;
    case "restoring":
      return (
        <RestoringView
          progress={snapshot.progress}
          onContinue={() => model.continueInBackground()}
          onRetry={() => void model.restoreAgain()}
        />
      );
    case "open":
      return children;
  }
}

/** While the account is opened: says so, without a spinner. */
export function CheckingView(): ReactNode {
  const t = useT();
  return (
    <CardPage title={t("first-run:checking.title")}>
      <Progress label={t("first-run:checking.progress")} />
    </CardPage>
  );
}

function FailedView({
  snapshot,
  onRetry,
}: {
  snapshot: Extract<GateSnapshot, { screen: "failed" }>;
  onRetry: () => void;
}): ReactNode {
  const t = useT();
  const message = useFailureText(snapshot.failure) ?? "";
  return (
    <main id="main">
      <ErrorState title={t("first-run:checkFailed.title")} message={message} onRetry={onRetry} />
    </main>
  );
}

function CodePage({
  snapshot,
  onCancel,
}: {
  snapshot: Extract<GateSnapshot, { screen: "recovery-code" }>;
  onCancel: () => void;
}): ReactNode {
  const { model } = snapshot;
  const step = useViewModel(model);
  const { purpose, resumed } = snapshot;
  const title = useRecoveryCodeTitle(step, purpose);
  useTitle(`${title} · Pli`);
  // Closing the tab here is harmless (the next start comes back to it), but it is never meant.
  useEffect(() => {
    if (step.step !== "show" && step.step !== "confirm") return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [step.step]);
  return (
    <CardPage key={step.step} title={title} wide>
      <RecoveryCodeSteps model={model} purpose={purpose} resumed={resumed} onCancel={onCancel} />
    </CardPage>
  );
}
