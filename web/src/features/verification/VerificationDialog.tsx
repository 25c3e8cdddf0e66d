import { ShieldAlert, ShieldCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { SasEmoji, VerificationCancelReason, VerificationFlow } from "../../matrix/types";
import { Banner, Button, Dialog, Progress, useViewModel } from "../../ui";
import type { VerificationViewModel } from "../../viewmodels/VerificationViewModel";
import { FailureBanner } from "../failure";
import styles from "./verification.module.css";

/** The dialog in which seven pictures are compared. Mounted once; it opens for each verification that is begun or accepted here. */
export function VerificationDialog({ model }: { model: VerificationViewModel }): ReactNode {
  const t = useT();
  const { shown, busy, failure } = useViewModel(model);
  if (!shown) {
    return (
      <Dialog open={failure !== null} onClose={() => model.dismissFailure()} title={t("verification:requestFailed")} width="s">
        <FailureBanner failure={failure} />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={() => void model.close()}
      title={dialogTitle(t, shown)}
      footer={<Buttons flow={shown} busy={busy} model={model} />}
    >
      <Step flow={shown} />
      <FailureBanner failure={failure} />
    </Dialog>
  );
}

function dialogTitle(t: ReturnType<typeof useT>, flow: VerificationFlow): string {
  const { step } = flow;
  if (step.status === "done") return t(flow.self ? "verification:done.ownTitle" : "verification:done.personTitle");
  if (step.status === "cancelled")
    return t(isAlarm(step.reason) ? "verification:cancelled.mismatchTitle" : "verification:cancelled.title");
  return flow.self ? t("verification:title.own") : t("verification:title.person", { name: flow.other.displayName });
}

const isAlarm = (reason: VerificationCancelReason): boolean => reason === "mismatch" || reason === "key-mismatch";

function Step({ flow }: { flow: VerificationFlow }): ReactNode {
  const t = useT();
  const name = flow.other.displayName;
  const { step } = flow;
  switch (step.status) {
    case "requested":
      return (
        <>
          <p>{flow.self ? t("verification:waiting.own") : t("verification:waiting.person", { name })}</p>
          <Progress label={t("verification:waiting.progress")} />
        </>
      );
    case "ready":
      return (
        <>
          <p>{t("verification:preparing")}</p>
          <Progress label={t("verification:preparing.progress")} />
        </>
      );
    case "comparing":
      return (
        <>
          <p>{flow.self ? t("verification:compare.own") : t("verification:compare.person", { name })}</p>
          <Emojis emojis={step.emojis} />
        </>
      );
    case "confirming":
      return (
        <>
          <p>{flow.self ? t("verification:confirming.own") : t("verification:confirming.person", { name })}</p>
          <Emojis emojis={step.emojis} />
          <Progress label={t("verification:waiting.progress")} />
        </>
      );
    case "done":
      return (
        <Banner tone="seal" icon={<ShieldCheck size={28} />}>
          {flow.self ? t("verification:done.own") : t("verification:done.person", { name })}
        </Banner>
      );
    case "cancelled":
      return isAlarm(step.reason) ? (
        <Banner tone="alarm" icon={<ShieldAlert size={28} />}>
          {t(`verification:cancelled.${step.reason}`)}
        </Banner>
      ) : (
        <Banner tone="pending" icon={<TriangleAlert size={24} />}>
          {t(`verification:cancelled.${step.reason}`)}
        </Banner>
      );
  }
}

function Emojis({ emojis }: { emojis: readonly SasEmoji[] }): ReactNode {
  const t = useT();
  return (
    <ol className={styles["emojis"]} aria-label={t("verification:compare.list")}>
      {emojis.map(({ emoji, index }, position) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a picture may occur twice; its place is its name
        <li key={position} className={styles["emoji"]}>
          <span className={styles["picture"]} aria-hidden="true">
            {emoji}
          </span>
          <span className={styles["name"]}>{t(`verification:emoji.${index}` as "verification:emoji.0")}</span>
        </li>
      ))}
    </ol>
  );
}

function Buttons({ flow, busy, model }: { flow: VerificationFlow; busy: boolean; model: VerificationViewModel }): ReactNode {
  const t = useT();
  switch (flow.step.status) {
    case "requested":
    case "ready":
    case "confirming":
      return (
        <Button variant="line" onClick={() => void model.close()}>
          {t("common:action.cancel")}
        </Button>
      );
    case "comparing":
      return (
        <>
          <Button variant="line" onClick={() => void model.differ()} disabled={busy}>
            {t("verification:compare.differ")}
          </Button>
          <Button busy={busy} onClick={() => void model.confirm()}>
            {t("verification:compare.match")}
          </Button>
        </>
      );
    case "done":
      return <Button onClick={() => void model.close()}>{t("common:action.done")}</Button>;
    case "cancelled":
      return (
        <>
          <Button variant="line" onClick={() => void model.close()}>
            {t("common:action.close")}
          </Button>
          {isAlarm(flow.step.reason) || flow.step.reason === "elsewhere" ? null : (
            <Button busy={busy} onClick={() => void model.again()}>
              {t("verification:again")}
            </Button>
          )}
        </>
      );
  }
}
