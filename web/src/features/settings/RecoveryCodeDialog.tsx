import { type ReactNode, useEffect } from "react";
import { currentLanguage } from "../../i18n";
import { Dialog, useOwnViewModel, useViewModel } from "../../ui";
import { setRecoveryPending } from "../../viewmodels/deviceNotes";
import { RecoveryCodeViewModel } from "../../viewmodels/RecoveryCodeViewModel";
import { useEnvironment, useSession } from "../context";
import { RecoveryCodeSteps, useRecoveryCodeTitle } from "../first-run/RecoveryCodeSteps";

/** Makes a new recovery code in place of the old one. It cannot be closed before the new words are confirmed, except while nothing changed yet. */
export function RecoveryCodeDialog({ onDone }: { onDone: () => void }): ReactNode {
  const session = useSession();
  const environment = useEnvironment();
  const model = useOwnViewModel(
    () =>
      new RecoveryCodeViewModel({
        security: session.security,
        environment,
        purpose: "replace",
        language: currentLanguage(),
        random: Math.random,
        onCommit: () => setRecoveryPending(environment, session.me.getSnapshot().deviceId),
        onDone: () => {
          setRecoveryPending(environment, null);
          onDone();
        },
      }),
    [session, environment],
  );
  const snapshot = useViewModel(model);
  const title = useRecoveryCodeTitle(snapshot, "replace");
  useEffect(() => {
    void model.start();
  }, [model]);
  return (
    <Dialog open title={title} dismissible={snapshot.step === "failed"} onClose={onDone}>
      <RecoveryCodeSteps model={model} purpose="replace" />
    </Dialog>
  );
}
