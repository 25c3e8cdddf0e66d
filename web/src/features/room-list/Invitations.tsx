import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import type { RoomId } from "../../matrix/types";
import { Button } from "../../ui";
import { roomTitle, shortName } from "../../viewmodels/names";
import type { InvitationRow } from "../../viewmodels/RoomListViewModel";
import { useFailureText } from "../failure";
import { RoomAvatar } from "../people/pictures";
import styles from "./room-list.module.css";

/** Properties of {@link Invitations}. */
export interface InvitationsProps {
  readonly invitations: readonly InvitationRow[];
  readonly onAccept: (roomId: RoomId) => void;
  readonly onDecline: (roomId: RoomId) => void;
}

/** Invitations that wait for an answer, above the conversations. */
export function Invitations({ invitations, onAccept, onDecline }: InvitationsProps): ReactNode {
  const t = useT();
  if (invitations.length === 0) return null;
  return (
    <section className={styles["invitations"]} aria-label={t("room-list:invitations")}>
      <ul>
        {invitations.map((invitation) => (
          <Invitation key={invitation.room.roomId} invitation={invitation} onAccept={onAccept} onDecline={onDecline} />
        ))}
      </ul>
    </section>
  );
}

function Invitation({
  invitation: { room, busy, failure },
  onAccept,
  onDecline,
}: { invitation: InvitationRow } & Pick<InvitationsProps, "onAccept" | "onDecline">): ReactNode {
  const t = useT();
  const reason = useFailureText(failure);
  const inviter = room.inviter ? shortName(room.inviter.displayName) : null;
  const text = inviter
    ? t(room.partner ? "room-list:invitation.direct" : "room-list:invitation.group", { name: inviter })
    : t("room-list:invitation.unknown");
  return (
    <li className={styles["invitation"]}>
      <RoomAvatar room={room} />
      <div className={styles["invitationWords"]}>
        <p className={styles["name"]}>{roomTitle(room)}</p>
        <p className={styles["invitationText"]}>{text}</p>
        {reason ? (
          <p role="alert" className={styles["invitationFailure"]}>
            {reason}
          </p>
        ) : null}
        <div className={styles["invitationActions"]}>
          <Button
            size="s"
            busy={busy === "accepting"}
            disabled={busy === "declining"}
            aria-label={t("room-list:invitation.acceptNamed", { name: room.name })}
            onClick={() => onAccept(room.roomId)}
          >
            {t("room-list:invitation.accept")}
          </Button>
          <Button
            size="s"
            variant="line"
            busy={busy === "declining"}
            disabled={busy === "accepting"}
            aria-label={t("room-list:invitation.declineNamed", { name: room.name })}
            onClick={() => onDecline(room.roomId)}
          >
            {t("room-list:invitation.decline")}
          </Button>
        </div>
      </div>
    </li>
  );
}
