import { ArrowLeft, Info, MessageCircle, Shield, ShieldOff } from "lucide-react";
import type { ReactNode } from "react";
import type { Translate } from "../../i18n";
import { useT } from "../../i18n/react";
import type { RoomDetails, UserId } from "../../matrix/types";
import { Button, classes, EmptyState, IconButton, Loading, Skeleton, useViewModel } from "../../ui";
import type { ConversationViewModel } from "../../viewmodels/ConversationViewModel";
import type { Messenger } from "../../viewmodels/Messenger";
import { firstName, roomTitle, splitName } from "../../viewmodels/names";
import { typingText } from "../../viewmodels/wording";
import { ComposerView } from "../composer/ComposerView";
import { DropZone } from "../composer/DropZone";
import { RoomAvatar } from "../people/pictures";
import styles from "./conversation.module.css";
import { IdentityCard } from "./IdentityCard";
import { TimelineView } from "./TimelineView";

/** Properties of {@link ConversationView}. */
export interface ConversationViewProps {
  readonly messenger: Messenger;
  readonly model: ConversationViewModel;
  readonly detailsOpen: boolean;
  readonly onDetails: () => void;
  /** Back to the list; shown where the list is not beside the conversation. */
  readonly onBack: () => void;
  readonly onVerify: (userId: UserId) => void;
}

/** A conversation: who it is with, what was said, and where to write. */
export function ConversationView({
  messenger,
  model,
  detailsOpen,
  onDetails,
  onBack,
  onVerify,
}: ConversationViewProps): ReactNode {
  const t = useT();
  const { status, details } = useViewModel(model);
  if (status === "gone") return <Gone onBack={onBack} />;
  return (
    <section className={styles["conversation"]} aria-label={details?.name ?? t("timeline:loading")}>
      <header className={styles["head"]}>
        <span className={styles["back"]}>
          <IconButton label={t("timeline:header.back")} icon={<ArrowLeft size={20} />} onClick={onBack} />
        </span>
        {details ? <Title details={details} onDetails={onDetails} /> : <TitleSkeleton />}
        <IconButton
          label={t("timeline:header.details")}
          icon={<Info size={20} />}
          aria-expanded={detailsOpen}
          data-details-button=""
          onClick={onDetails}
        />
      </header>
      {details ? (
        <DropZone model={model.composer}>
          <TimelineView
            key={model.roomId}
            model={model.timeline}
            downloads={messenger.downloads}
            details={details}
            me={messenger.me.userId}
          />
          {details.gate.state === "suspended" && details.gate.reason === "identity-changed" ? (
            <IdentityCard model={model} gate={details.gate} onVerify={onVerify} />
          ) : null}
          <p className={styles["typing"]} aria-live="off">
            {typingText(details.typing.map(firstName)) || waitingText(details, t)}
          </p>
          <ComposerView key={`composer ${model.roomId}`} model={model.composer} name={roomTitle(details)} />
        </DropZone>
      ) : null}
    </section>
  );
}

/** In a conversation of two: the other has not accepted yet. */
function waitingText({ partner, members }: RoomDetails, t: Translate): string {
  const invited = members.find((member) => member.userId === partner?.userId)?.membership === "invite";
  return partner && invited ? t("timeline:waiting", { name: firstName(partner.displayName) }) : "";
}

function Title({ details, onDetails }: { details: RoomDetails; onDetails: () => void }): ReactNode {
  const t = useT();
  const { encrypted, memberCount, partner } = details;
  const about = partner ? splitName(partner.displayName).organisation : t("timeline:header.members", { count: memberCount });
  return (
    <div className={styles["title"]}>
      <RoomAvatar room={details} size={32} />
      <div className={styles["titleWords"]}>
        <h1 className={styles["name"]}>{roomTitle(details)}</h1>
        <div className={styles["facts"]}>
          <button type="button" className={classes(styles["trust"], !encrypted && styles["untrusted"])} onClick={onDetails}>
            {encrypted ? <Shield size={14} aria-hidden="true" /> : <ShieldOff size={14} aria-hidden="true" />}
            {t(encrypted ? "timeline:trust" : "timeline:trust.notEncrypted")}
          </button>
          {about ? <span className={styles["count"]}>· {about}</span> : null}
        </div>
      </div>
    </div>
  );
}

function TitleSkeleton(): ReactNode {
  const t = useT();
  return (
    <Loading label={t("timeline:loading")} className={styles["title"]}>
      <Skeleton shape="person" width="32px" height="32px" />
      <Skeleton width="180px" />
    </Loading>
  );
}

function Gone({ onBack }: { onBack: () => void }): ReactNode {
  const t = useT();
  return (
    <section className={styles["empty"]}>
      <EmptyState title={t("timeline:gone.title")} action={<Button onClick={onBack}>{t("timeline:gone.action")}</Button>}>
        {t("timeline:gone.text")}
      </EmptyState>
    </section>
  );
}

/** Stands where a conversation will be once one is chosen. */
export function NoConversation(): ReactNode {
  const t = useT();
  return (
    <section className={styles["empty"]}>
      <EmptyState icon={<MessageCircle size={32} />} title={t("timeline:none.title")}>
        {t("timeline:none.text")}
      </EmptyState>
    </section>
  );
}
