import type { ReactNode } from "react";
import { useLanguage, useT } from "../../i18n/react";
import type { RestoreProgress } from "../../matrix/types";
import { Button, CardPage, Progress } from "../../ui";
import { FailureBanner } from "../failure";

/** The history comes back after a recovery; nobody has to wait for it. */
export function RestoringView({
  progress,
  onContinue,
  onRetry,
}: {
  progress: RestoreProgress;
  onContinue: () => void;
  onRetry: () => void;
}): ReactNode {
  const t = useT();
  const language = useLanguage();
  const number = new Intl.NumberFormat(language);
  if (progress.status === "failed") {
    return (
      <CardPage title={t("first-run:restoring.failedTitle")}>
        <FailureBanner failure={progress.failure} />
        <Button wide onClick={onRetry}>
          {t("common:action.retry")}
        </Button>
        <Button variant="ghost" wide onClick={onContinue}>
          {t("first-run:restoring.continue")}
        </Button>
      </CardPage>
    );
  }
  return (
    <CardPage title={t("first-run:restoring.title")}>
      <p>{t("first-run:restoring.intro")}</p>
      {progress.status === "restoring" ? (
        <Progress
          label={t("first-run:restoring.progress")}
          value={progress.done}
          max={progress.total}
          detail={t("first-run:restoring.count", { done: number.format(progress.done), total: number.format(progress.total) })}
        />
      ) : (
        <Progress label={t("first-run:restoring.fetching")} />
      )}
      <Button wide onClick={onContinue}>
        {t("first-run:restoring.continue")}
      </Button>
    </CardPage>
  );
}
