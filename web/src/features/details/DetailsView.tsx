import { LogOut, Shield, ShieldOff, UserPlus, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { VList } from "virtua";
import { useT } from "../../i18n/react";
import type { Member, RoomDetails, UserId } from "../../matrix/types";
import { Button, ConfirmDialog, Dialog, IconButton, Loading, Skeleton, Tag, useViewModel } from "../../ui";
import type { ConversationViewModel } from "../../viewmodels/ConversationViewModel";
import { roomTitle, splitName } from "../../viewmodels/names";
import { useFailureText } from "../failure";
import { PersonAvatar, RoomAvatar } from "../people/pictures";
import styles from "./details.module.css";

/** More people than this are shown in a dialog of their own. */
const SHOWN_MEMBERS = 8;

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
        <h3 className={styles["name"]}>{roomTitle(details)}</h3>
        {details.topic ? <p className={styles["topic"]}>{details.topic}</p> : null}
        <Trust encrypted={details.encrypted} />
      </div>
      <Members details={details} onVerify={onVerify} />
      <div className={styles["actions"]}>
        {details.can.invite && !details.partner ? (
          <Button variant="line" wide icon={<UserPlus size={18} />} onClick={onAddPeople}>
            {t("people:details.add")}
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

function Members({ details, onVerify }: { details: RoomDetails; onVerify: (userId: UserId) => void }): ReactNode {
  const t = useT();
  const [all, setAll] = useState(false);
  const { members, membersLoaded, memberCount } = details;
  if (members.length === 0 && !membersLoaded) return <MembersSkeleton />;
  const shown = members.slice(0, SHOWN_MEMBERS);
  return (
    <section className={styles["members"]} aria-labelledby="details-members">
      <h3 id="details-members" className={styles["heading"]}>
        {t("people:details.members")}
      </h3>
      <ul className={styles["people"]}>
        {shown.map((member) => (
          <li key={member.userId}>
            <MemberRow member={member} onVerify={onVerify} />
          </li>
        ))}
      </ul>
      {memberCount > shown.length ? (
        <Button variant="line" wide onClick={() => setAll(true)}>
          {t("people:details.showAll", { count: memberCount })}
        </Button>
      ) : null}
      {all ? (
        <Dialog open onClose={() => setAll(false)} title={t("timeline:header.members", { count: memberCount })}>
          <div className={styles["all"]}>
            <VList data={members}>
              {(member) => (
                <div key={member.userId} className={styles["allRow"]}>
                  <MemberRow
                    member={member}
                    onVerify={(userId) => {
                      setAll(false);
                      onVerify(userId);
                    }}
                  />
                </div>
              )}
            </VList>
          </div>
        </Dialog>
      ) : null}
    </section>
  );
}

function MemberRow({ member, onVerify }: { member: Member; onVerify: (userId: UserId) => void }): ReactNode {
  const t = useT();
  const { name, organisation } = splitName(member.displayName);
  const facts = [
    ...(organisation ? [organisation] : []),
    ...(member.me ? [t("people:details.you")] : []),
    ...(member.role === "member" ? [] : [t(`people:details.role.${member.role}`)]),
    ...(member.membership === "invite" ? [t("people:details.invited")] : []),
    ...(member.trust === "none" && member.membership === "join" ? [t("people:details.trust.none")] : []),
  ];
  return (
    <div className={styles["person"]}>
      <PersonAvatar person={member} size={32} />
      <div className={styles["personWords"]}>
        <span className={styles["personName"]}>{name}</span>
        {facts.length > 0 ? <span className={styles["facts"]}>{facts.join(" · ")}</span> : null}
        {member.trust === "verified" ? (
          <span className={styles["factTag"]}>
            <Tag tone="seal">{t("people:details.trust.verified")}</Tag>
          </span>
        ) : null}
        {member.trust === "changed" ? (
          <span className={styles["factTag"]}>
            <Tag tone="alarm">{t("people:details.trust.changed")}</Tag>
          </span>
        ) : null}
      </div>
      {member.trust === "known" || member.trust === "changed" ? (
        <Button
          size="s"
          variant="ghost"
          aria-label={t("timeline:identity.verify", { name })}
          onClick={() => onVerify(member.userId)}
        >
          {t("people:details.verify")}
        </Button>
      ) : null}
    </div>
  );
}

function MembersSkeleton(): ReactNode {
  const t = useT();
  return (
    <Loading label={t("people:details.loadingMembers")} className={styles["people"]}>
      {["60%", "45%", "52%"].map((width) => (
        <div key={width} className={styles["person"]}>
          <Skeleton shape="person" width="32px" height="32px" />
          <Skeleton width={width} />
        </div>
      ))}
    </Loading>
  );
}
