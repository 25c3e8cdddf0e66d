import { ShieldQuestionMark } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Banner, Button, useViewModel } from "../../ui";
import type { VerificationViewModel } from "../../viewmodels/VerificationViewModel";
import styles from "./verification.module.css";

/** Tells that another device or person asks to compare pictures. It stays until it is answered or withdrawn. */
export function IncomingVerification({ model }: { model: VerificationViewModel }): ReactNode {
  const t = useT();
  const { incoming, busy } = useViewModel(model);
  if (!incoming) return null;
  const device = incoming.deviceName;
  const detail = device ? t("verification:incoming.ownDetail", { device }) : t("verification:incoming.ownUnknown");
  return (
    <div className={styles["incoming"]}>
      <Banner
        tone="pending"
        icon={<ShieldQuestionMark size={24} />}
        title={
          incoming.self ? t("verification:incoming.own") : t("verification:incoming.person", { name: incoming.other.displayName })
        }
        actions={
          <>
            <Button size="s" variant="line" disabled={busy} onClick={() => void model.decline()}>
              {t("verification:incoming.decline")}
            </Button>
            <Button size="s" busy={busy} onClick={() => void model.accept()}>
              {t("verification:incoming.accept")}
            </Button>
          </>
        }
      >
        {incoming.self ? detail : t("verification:incoming.personDetail")}
      </Banner>
    </div>
  );
}
