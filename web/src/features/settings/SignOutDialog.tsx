import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Banner, Button, Check, Dialog, Losses, Progress, useViewModel } from "../../ui";
import type { SignOutSnapshot, SignOutViewModel } from "../../viewmodels/SignOutViewModel";
import { FailureBanner } from "../failure";

/** Says what a sign-out would lose; nothing is lost without being accepted. */
export function SignOutDialog({ model, onMakeCode }: { model: SignOutViewModel; onMakeCode: () => void }): ReactNode {
  const t = useT();
  const snapshot = useViewModel(model);
  if (snapshot.phase === "closed") return null;
  const busy = snapshot.phase === "signing-out";
  const mayLeave =
    (snapshot.phase === "asking" && (!snapshot.loses || snapshot.accepted)) || (snapshot.phase === "unsure" && snapshot.accepted);
  const noRecovery = snapshot.phase === "asking" && snapshot.loss.noRecovery;
  return (
    <Dialog
      open
      width="s"
      title={t("settings:signOut.title")}
      dismissible={!busy}
      onClose={() => model.close()}
      footer={
        <>
          {noRecovery ? (
            <Button
              onClick={() => {
                model.close();
                onMakeCode();
              }}
            >
              {t("settings:signOut.makeCode")}
            </Button>
          ) : null}
          <Button variant="line" onClick={() => model.close()} disabled={busy}>
            {t("common:action.cancel")}
          </Button>
          <Button variant="alarm" busy={busy} disabled={!busy && !mayLeave} onClick={() => void model.confirm()}>
            {t("settings:signOut.submit")}
          </Button>
        </>
      }
    >
      <Body snapshot={snapshot} model={model} />
    </Dialog>
  );
}

function Body({ snapshot, model }: { snapshot: SignOutSnapshot; model: SignOutViewModel }): ReactNode {
  const t = useT();
  switch (snapshot.phase) {
    case "closed":
    case "signing-out":
      return <Progress label={t("settings:signOut.submit")} labelHidden />;
    case "checking":
      return <Progress label={t("settings:signOut.checking")} />;
    case "unsure":
      return (
        <>
          <p>{t("settings:signOut.unsure")}</p>
          <FailureBanner failure={snapshot.failure} />
          <div>
            <Button variant="line" size="s" onClick={() => void model.open()}>
              {t("settings:signOut.again")}
            </Button>
          </div>
          <Accept accepted={snapshot.accepted} model={model} />
        </>
      );
    case "asking": {
      const { unsentMessages, keysNotSaved, noRecovery, lastDevice } = snapshot.loss;
      if (!snapshot.loses) {
        return (
          <>
            <p>{t("settings:signOut.nothing")}</p>
            {lastDevice ? <Banner tone="pending">{t("settings:signOut.lastDevice")}</Banner> : null}
          </>
        );
      }
      return (
        <>
          <p>{t("settings:signOut.loses")}</p>
          <Banner tone="alarm">
            <Losses>
              {noRecovery ? <li>{t("settings:signOut.noRecovery")}</li> : null}
              {unsentMessages > 0 ? <li>{t("settings:signOut.unsent", { count: unsentMessages })}</li> : null}
              {keysNotSaved > 0 ? <li>{t("settings:signOut.keys", { count: keysNotSaved })}</li> : null}
            </Losses>
          </Banner>
          <div>
            <Button variant="line" size="s" onClick={() => void model.open()}>
              {t("settings:signOut.again")}
            </Button>
          </div>
          <Accept accepted={snapshot.accepted} model={model} />
        </>
      );
    }
  }
}

function Accept({ accepted, model }: { accepted: boolean; model: SignOutViewModel }): ReactNode {
  const t = useT();
  return (
    <Check checked={accepted} onChange={(checked) => model.setAccepted(checked)}>
      {t("settings:signOut.accept")}
    </Check>
  );
}
