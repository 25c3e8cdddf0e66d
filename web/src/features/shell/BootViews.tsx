import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { FailureInfo } from "../../matrix/errors";
import { Button, CardPage } from "../../ui";
import { FailureBanner } from "../failure";

/** Another tab of this browser has the session. */
export function ElsewhereView({ onHere }: { onHere: () => void }): ReactNode {
  const t = useT();
  return (
    <CardPage title={t("shell:elsewhere.title")}>
      <p>{t("shell:elsewhere.intro")}</p>
      <Button wide onClick={onHere}>
        {t("shell:elsewhere.here")}
      </Button>
    </CardPage>
  );
}

/** The session could not be opened. */
export function BootFailedView({
  failure,
  onRetry,
  onSignOut,
}: {
  failure: FailureInfo;
  onRetry: () => void;
  onSignOut: () => void;
}): ReactNode {
  const t = useT();
  return (
    <CardPage title={t("shell:failed.title")}>
      <FailureBanner failure={failure} />
      <Button wide onClick={onRetry}>
        {t("common:action.retry")}
      </Button>
      <Button wide variant="ghost" onClick={onSignOut}>
        {t("shell:failed.signOut")}
      </Button>
    </CardPage>
  );
}
