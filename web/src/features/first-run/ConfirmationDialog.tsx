import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Banner, Button, Dialog, useViewModel } from "../../ui";
import type { ConfirmationViewModel } from "../../viewmodels/ConfirmationViewModel";

/** Leads to where the account signs in, to confirm there what this browser is about to do. */
export function ConfirmationDialog({ model }: { model: ConfirmationViewModel }): ReactNode {
  const t = useT();
  const snapshot = useViewModel(model);
  if (snapshot === null) return null;
  return (
    <Dialog
      open
      width="s"
      title={t("first-run:elsewhere.title")}
      description={t(snapshot.why === "next" ? "first-run:elsewhere.next" : "first-run:elsewhere.intro")}
      onClose={() => model.cancel()}
      footer={
        <>
          <Button variant="line" onClick={() => model.cancel()}>
            {t("common:action.cancel")}
          </Button>
          <Button variant={snapshot.opened ? "line" : "primary"} onClick={() => model.open()}>
            {t("first-run:elsewhere.open")}
          </Button>
          {snapshot.opened ? <Button onClick={() => model.proceed()}>{t("first-run:elsewhere.done")}</Button> : null}
        </>
      }
    >
      {snapshot.why === "again" ? <Banner tone="alarm">{t("first-run:elsewhere.again")}</Banner> : null}
    </Dialog>
  );
}
