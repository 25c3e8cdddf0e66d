import { LogOut, Pencil, Shield, ShieldOff, UserPlus, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useT } from "../../i18n/react";
import type { UserId } from "../../matrix/types";
import { Button, ConfirmDialog, IconButton, useViewModel } from "../../ui";
import type { ConversationViewModel } from "../../viewmodels/ConversationViewModel";
import { roomTitle } from "../../viewmodels/names";
import { useFailureText } from "../failure";
import { RoomAvatar } from "../people/pictures";
import styles from "./details.module.css";
import { MembersList } from "./MembersList";
import { RenameDialog } from "./RenameDialog";

/** Properties of {@link DetailsView}. */
export interface DetailsViewProps {
  readonly model: ConversationViewModel;
  readonly onClose: () => void;
  readonly onAddPeople: () => void;
  readonly onVerify: (userId: UserId) => void;
  /** The person left the conversation. */
  readonly onLeft: () => void;
}

/** Who is in a conversation, who can read it, and leaving it. */
export function DetailsView({ model, onClose, onAddPeople, onVerify, onLeft }: DetailsViewProps): ReactNode {
  const t = useT();
  const { details, leaving, leaveFailure } = useViewModel(model);
  const [asking, setAsking] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const closeButton = useRef<HTMLButtonElement>(null);
  const failure = useFailureText(leaveFailure);

  // Whoever opened the pane by keyboard goes on inside it.
  useEffect(() => closeButton.current?.focus(), []);

  if (!details) return null;
  return (
    // Escape closes the pane from anywhere inside it.
    <section
      className={styles["details"]}
      aria-label={t("people:details.title")}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) onClose();
      }}
    >
      <div className={styles["close"]}>
        <IconButton ref={closeButton} label={t("people:details.close")} icon={<X size={20} />} onClick={onClose} />
      </div>
      <div className={styles["identity"]}>
        <RoomAvatar room={details} size={72} />
        <h2 className={styles["name"]}>{roomTitle(details)}</h2>
        {details.topic ? <p className={styles["topic"]}>{details.topic}</p> : null}
        <Trust encrypted={details.encrypted} />
      </div>
      <MembersList model={model} details={details} onVerify={onVerify} />
      <div className={styles["actions"]}>
        {details.can.invite && !details.partner ? (
          <Button variant="line" wide icon={<UserPlus size={18} />} onClick={onAddPeople}>
            {t("people:details.add")}
          </Button>
        ) : null}
        {details.can.rename && !details.partner ? (
          <Button variant="line" wide icon={<Pencil size={18} />} onClick={() => setRenaming(true)}>
            {t("people:details.rename")}
          </Button>
        ) : null}
        <Button
          variant="ghost"
          wide
          className={styles["leave"] ?? ""}
          icon={<LogOut size={18} />}
          onClick={() => setAsking(true)}
        >
          {t("people:details.leave")}
        </Button>
      </div>
      {renaming ? <RenameDialog model={model} name={details.name} onClose={() => setRenaming(false)} /> : null}
      <ConfirmDialog
        open={asking}
        title={t("people:details.leave.title")}
        description={t("people:details.leave.text")}
        confirmLabel={t("people:details.leave.confirm")}
        variant="alarm"
        busy={leaving}
        error={failure}
        onCancel={() => {
          setAsking(false);
          model.dismissLeaveFailure();
        }}
        onConfirm={async () => {
          if (await model.leave()) onLeft();
        }}
      />
    </section>
  );
}

/** Who can read, said once and no more than is true. */
function Trust({ encrypted }: { encrypted: boolean }): ReactNode {
  const t = useT();
  return (
    <>
      <span className={encrypted ? styles["trust"] : styles["untrusted"]}>
        {encrypted ? <Shield size={16} aria-hidden="true" /> : <ShieldOff size={16} aria-hidden="true" />}
        {t(encrypted ? "timeline:trust" : "timeline:trust.notEncrypted")}
      </span>
      <p className={styles["trustText"]}>{t(encrypted ? "people:trust.text" : "people:trust.notEncrypted")}</p>
    </>
  );
}
