import { CircleAlert, Clock3, ShieldAlert } from "lucide-react";
import { memo, type ReactNode, type Ref } from "react";
import { useLanguage, useT } from "../../i18n/react";
import type { RoomId, RoomSummary, UserId } from "../../matrix/types";
import { Badge, classes } from "../../ui";
import { roomTitle } from "../../viewmodels/names";
import { listTime } from "../../viewmodels/time";
import { previewText } from "../../viewmodels/wording";
import { RoomAvatar } from "../people/pictures";
import styles from "./room-list.module.css";

/** Properties of {@link RoomRow}. */
export interface RoomRowProps {
  readonly room: RoomSummary;
  readonly me: UserId;
  readonly open: boolean;
  /** The one row of the list that the Tab key stops at. */
  readonly tabStop: boolean;
  readonly today: number;
  readonly onOpen: (roomId: RoomId) => void;
  readonly onFocus: (roomId: RoomId) => void;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** One conversation: its face, its name, the last thing said, when, and how much of it is new. */
export const RoomRow = memo(function RoomRow({ room, me, open, tabStop, today, onOpen, onFocus, ref }: RoomRowProps): ReactNode {
  const t = useT();
  const language = useLanguage();
  const typing = room.typing.length > 0;
  return (
    <button
      ref={ref}
      type="button"
      data-room-row=""
      className={classes(styles["row"], open && styles["open"], room.unread > 0 && styles["unread"])}
      aria-current={open ? "true" : undefined}
      tabIndex={tabStop ? 0 : -1}
      onClick={() => onOpen(room.roomId)}
      onFocus={() => onFocus(room.roomId)}
    >
      <RoomAvatar room={room} />
      <span className={styles["words"]}>
        <span className={styles["name"]}>{roomTitle(room)}</span>
        <span className={classes(styles["preview"], typing && styles["typing"])}>
          {typing ? null : <SendMark status={room.preview?.mine ? room.preview.sendStatus : null} />}
          {previewText(room, me)}
        </span>
      </span>
      <span className={styles["side"]}>
        {room.lastActivity > 0 ? (
          <time className={styles["time"]} dateTime={new Date(room.lastActivity).toISOString()}>
            {listTime(room.lastActivity, today, language)}
          </time>
        ) : null}
        <span className={styles["marks"]}>
          {room.suspended ? (
            <span className={styles["suspended"]} role="img" aria-label={t("room-list:suspended")}>
              <ShieldAlert size={18} />
            </span>
          ) : null}
          <Badge count={room.unread} label={t("room-list:unread", { count: room.unread })} />
        </span>
      </span>
    </button>
  );
});

function SendMark({ status }: { status: "sending" | "sent" | "failed" | null }): ReactNode {
  const t = useT();
  if (status === "failed") {
    return (
      <span className={styles["failed"]} role="img" aria-label={t("room-list:preview.failed")}>
        <CircleAlert size={14} />
      </span>
    );
  }
  if (status === "sending") {
    return (
      <span className={styles["sending"]} role="img" aria-label={t("room-list:preview.sending")}>
        <Clock3 size={14} />
      </span>
    );
  }
  return null;
}
