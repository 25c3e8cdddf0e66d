import { EllipsisVertical, Shield, UserMinus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { VList } from "virtua";
import { useT } from "../../i18n/react";
import type { Member, RoomDetails, UserId } from "../../matrix/types";
import { Button, ConfirmDialog, Dialog, IconButton, Loading, Menu, type MenuAction, Skeleton, Tag, useViewModel } from "../../ui";
import type { ConversationViewModel } from "../../viewmodels/ConversationViewModel";
import { shortName, splitName } from "../../viewmodels/names";
import { useFailureText } from "../failure";
import { PersonAvatar } from "../people/pictures";
import styles from "./details.module.css";

/** More people than this are shown in a dialog of their own. */
const SHOWN_MEMBERS = 8;

/** Properties of {@link MembersList}. */
export interface MembersListProps {
  readonly model: ConversationViewModel;
  readonly details: RoomDetails;
  readonly onVerify: (userId: UserId) => void;
}

/** Who is in the conversation: the first few, and all of them on demand. */
export function MembersList({ model, details, onVerify }: MembersListProps): ReactNode {
  const t = useT();
  const [all, setAll] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const { managing, manageFailure } = useViewModel(model);
  const failure = useFailureText(manageFailure);
  const { members, membersLoaded, memberCount, partner, can } = details;
  if (members.length === 0 && !membersLoaded) return <MembersSkeleton />;

  const shown = members.slice(0, SHOWN_MEMBERS);
  const row = (member: Member) => (
    <MemberRow
      member={member}
      onVerify={(userId) => {
        setAll(false);
        onVerify(userId);
      }}
      onRemove={can.remove && !partner && !member.me && member.role !== "owner" ? setRemoving : null}
    />
  );
  return (
    <section className={styles["members"]} aria-labelledby="details-members">
      <h3 id="details-members" className={styles["heading"]}>
        {t("people:details.members")}
      </h3>
      <ul className={styles["people"]}>
        {shown.map((member) => (
          <li key={member.userId}>{row(member)}</li>
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
                  {row(member)}
                </div>
              )}
            </VList>
          </div>
        </Dialog>
      ) : null}
      <ConfirmDialog
        open={removing !== null}
        title={t("people:details.remove.title", { name: shortName(removing?.displayName ?? "") })}
        description={t("people:details.remove.text")}
        confirmLabel={t("people:details.remove.confirm")}
        variant="alarm"
        busy={managing}
        error={failure}
        onCancel={() => {
          setRemoving(null);
          model.dismissManageFailure();
        }}
        onConfirm={async () => {
          if (removing && (await model.remove(removing.userId))) setRemoving(null);
        }}
      />
    </section>
  );
}

function MemberRow({
  member,
  onVerify,
  onRemove,
}: {
  member: Member;
  onVerify: (userId: UserId) => void;
  /** Null if I may not remove them. */
  onRemove: ((member: Member) => void) | null;
}): ReactNode {
  const t = useT();
  const { name, organisation } = splitName(member.displayName);
  const facts = [
    ...(organisation ? [organisation] : []),
    ...(member.me ? [t("people:details.you")] : []),
    ...(member.role === "member" ? [] : [t(`people:details.role.${member.role}`)]),
    ...(member.membership === "invite" ? [t("people:details.invited")] : []),
    ...(member.trust === "none" && member.membership === "join" ? [t("people:details.trust.none")] : []),
  ];
  const actions: MenuAction[] = [];
  if (member.trust === "known" || member.trust === "changed") {
    const verify = () => onVerify(member.userId);
    actions.push({ label: t("people:details.verify"), icon: <Shield size={18} />, onSelect: verify });
  }
  if (onRemove) {
    const remove = () => onRemove(member);
    actions.push({ label: t("people:details.remove"), icon: <UserMinus size={18} />, tone: "alarm", onSelect: remove });
  }
  return (
    <div className={styles["person"]}>
      <PersonAvatar person={member} size={32} />
      <div className={styles["personWords"]}>
        <span className={styles["personName"]}>{name}</span>
        {facts.length > 0 ? <span className={styles["facts"]}>{facts.join(" · ")}</span> : null}
        <TrustTag member={member} />
      </div>
      {actions.length > 0 ? (
        <Menu
          actions={actions}
          trigger={
            <IconButton size="s" label={t("people:details.memberActions", { name })} icon={<EllipsisVertical size={18} />} />
          }
        />
      ) : null}
    </div>
  );
}

/** Only what is out of the ordinary: compared by emoji, or changed since. */
function TrustTag({ member: { trust } }: { member: Member }): ReactNode {
  const t = useT();
  if (trust !== "verified" && trust !== "changed") return null;
  return (
    <span className={styles["factTag"]}>
      <Tag tone={trust === "verified" ? "seal" : "alarm"}>{t(`people:details.trust.${trust}`)}</Tag>
    </span>
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
