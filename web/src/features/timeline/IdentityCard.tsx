import { ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { SendGate, UserId } from "../../matrix/types";
import { Button, useViewModel } from "../../ui";
import type { ConversationViewModel } from "../../viewmodels/ConversationViewModel";
import { firstName, shortName } from "../../viewmodels/names";
import { useFailureText } from "../failure";
import styles from "./conversation.module.css";

/** Properties of {@link IdentityCard}. */
export interface IdentityCardProps {
  readonly model: ConversationViewModel;
  readonly gate: Extract<SendGate, { reason: "identity-changed" }>;
  readonly onVerify: (userId: UserId) => void;
}

/** Somebody's identity changed: what that may mean, and the two things that can be done. One person at a time. */
export function IdentityCard({ model, gate, onVerify }: IdentityCardProps): ReactNode {
  const t = useT();
  const { approving, approveFailure } = useViewModel(model);
  const reason = useFailureText(approveFailure);
  const [person] = gate.people;
  if (!person) return null;
  const others = gate.people.length - 1;
  return (
    <div role="alert" className={styles["identity"]}>
      <span className={styles["identityIcon"]}>
        <ShieldAlert size={28} aria-hidden="true" />
      </span>
      <div className={styles["identityWords"]}>
        <strong className={styles["identityTitle"]}>
          {t("timeline:identity.title", { name: shortName(person.displayName) })}
        </strong>
        <p>{t(person.wasVerified ? "timeline:identity.verified" : "timeline:identity.known")}</p>
        {others > 0 ? <p>{t("timeline:identity.more", { count: others })}</p> : null}
        {reason ? <p className={styles["identityFailure"]}>{reason}</p> : null}
      </div>
      <div className={styles["identityActions"]}>
        <Button
          variant="line"
          busy={approving.includes(person.userId)}
          onClick={() => {
            void model.approve(person.userId);
          }}
        >
          {t("timeline:identity.accept")}
        </Button>
        <Button variant="alarm" onClick={() => onVerify(person.userId)}>
          {t("timeline:identity.verify", { name: firstName(person.displayName) })}
        </Button>
      </div>
    </div>
  );
}
