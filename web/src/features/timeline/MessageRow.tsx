import { Copy, Download, EllipsisVertical, RotateCcw, Trash2, X } from "lucide-react";
import { type CSSProperties, memo, type ReactNode } from "react";
import { formatTime } from "../../i18n/format";
import { useT } from "../../i18n/react";
import type { FileBody, Person, TimelineItem } from "../../matrix/types";
import { avatarColour, classes, Menu, type MenuAction } from "../../ui";
import type { DownloadState } from "../../viewmodels/DownloadsViewModel";
import { shortName } from "../../viewmodels/names";
import type { TimelineRow } from "../../viewmodels/timelineRows";
import { joinNames, messageSummary } from "../../viewmodels/wording";
import { PersonAvatar } from "../people/pictures";
import styles from "./bubble.module.css";
import { FileCard } from "./FileCard";
import { PictureBody } from "./PictureBody";
import { Placeholder } from "./Placeholder";
import { NotSent, SendMark, UploadProgress } from "./SendStatus";
import { LinkedText } from "./TextBody";

/** More faces than this are counted instead. */
const MOST_FACES = 5;

/** What can be done with a message. One object for all rows, so that none is drawn again for it. */
export interface MessageActions {
  readonly copy: (text: string) => void;
  readonly askDelete: (item: TimelineItem) => void;
  readonly retry: (key: string) => void;
  readonly discard: (key: string) => void;
  readonly save: (key: string, body: FileBody) => void;
  readonly cancelSave: (key: string) => void;
}

/** Properties of {@link MessageRow}. */
export interface MessageRowProps {
  readonly row: Extract<TimelineRow, { kind: "message" }>;
  readonly actions: MessageActions;
  readonly download: DownloadState | undefined;
  /** The one message that the Tab key stops at. */
  readonly tabStop: boolean;
}

/** True for bodies that come as a file. */
function isFile(body: TimelineItem["body"]): body is FileBody {
  return body.kind === "image" || body.kind === "video" || body.kind === "audio" || body.kind === "file";
}

/** What a message says in words, to be copied; null if it has none. */
export function copyableText({ body }: TimelineItem): string | null {
  if (body.kind === "text") return body.text;
  return isFile(body) ? body.caption : null;
}

/** One message in its bubble. */
export const MessageRow = memo(function MessageRow({ row, actions, download, tabStop }: MessageRowProps): ReactNode {
  const t = useT();
  const { item, first, last, readers } = row;
  const { mine, sender, send } = item;
  const tabIndex = tabStop ? 0 : -1;
  const time = formatTime(item.ts);
  const shown = shortName(sender.displayName);
  const name = mine ? t("timeline:you") : shown;
  const colour = { "--person": avatarColour(sender.userId) } as CSSProperties;
  return (
    <div className={classes(styles["message"], first && styles["first"])}>
      {/* A message is a stop for the keyboard, so that it can be read, copied and deleted without a mouse. */}
      <article
        tabIndex={tabIndex}
        data-message={row.key}
        aria-label={t("timeline:message.at", { name, time, text: messageSummary(item) })}
        className={classes(styles["line"], mine ? styles["mine"] : styles["theirs"])}
      >
        {mine ? null : <span className={styles["face"]}>{last ? <PersonAvatar person={sender} size={32} /> : null}</span>}
        <div className={classes(styles["bubble"], send.status === "failed" && styles["bubbleFailed"])} style={colour}>
          {first && !mine ? <div className={styles["who"]}>{shown}</div> : null}
          <Body row={row} actions={actions} download={download} tabIndex={tabIndex} />
          <span className={styles["meta"]}>
            {item.edited ? <span>{t("timeline:edited")}</span> : null}
            <time dateTime={new Date(item.ts).toISOString()}>{time}</time>
            {mine ? <SendMark send={send} /> : null}
          </span>
          <UploadProgress item={item} onAbort={() => actions.discard(item.key)} />
        </div>
        <ActionsMenu item={item} actions={actions} tabIndex={tabIndex} />
      </article>
      <NotSent send={send} onRetry={() => actions.retry(item.key)} onDiscard={() => actions.discard(item.key)} />
      {readers.length > 0 ? <Readers people={readers} /> : null}
    </div>
  );
});

function Body({
  row: { item },
  actions,
  download,
  tabIndex,
}: Omit<MessageRowProps, "tabStop"> & { tabIndex: number }): ReactNode {
  const { body } = item;
  if (body.kind === "text") {
    return body.emote ? (
      <em>
        {shortName(item.sender.displayName)} <LinkedText text={body.text} />
      </em>
    ) : (
      <LinkedText text={body.text} />
    );
  }
  if (!isFile(body)) return <Placeholder item={item} />;
  const save = () => actions.save(item.key, body);
  return (
    <>
      {body.kind === "image" ? (
        <PictureBody body={body} onSave={save} tabIndex={tabIndex} />
      ) : (
        <FileCard
          body={body}
          download={download}
          onSave={save}
          onCancel={() => actions.cancelSave(item.key)}
          tabIndex={tabIndex}
        />
      )}
      {body.caption ? <LinkedText text={body.caption} /> : null}
    </>
  );
}

function ActionsMenu({ item, actions, tabIndex }: { item: TimelineItem; actions: MessageActions; tabIndex: number }): ReactNode {
  const t = useT();
  const { body } = item;
  const text = copyableText(item);
  const failed = item.send.status === "failed";
  const list: MenuAction[] = [];
  if (text !== null) {
    list.push({ label: t("timeline:action.copy"), icon: <Copy size={18} />, onSelect: () => actions.copy(text) });
  }
  if (isFile(body) && body.source.kind !== "local") {
    const save = () => actions.save(item.key, body);
    list.push({ label: t("timeline:action.save"), icon: <Download size={18} />, onSelect: save });
  }
  if (failed) {
    list.push(
      { label: t("timeline:action.retry"), icon: <RotateCcw size={18} />, onSelect: () => actions.retry(item.key) },
      { label: t("timeline:action.discard"), icon: <X size={18} />, tone: "alarm", onSelect: () => actions.discard(item.key) },
    );
  }
  if (item.canRedact && item.eventId !== null && body.kind !== "redacted") {
    const ask = () => actions.askDelete(item);
    list.push({ label: t("timeline:action.delete"), icon: <Trash2 size={18} />, tone: "alarm", onSelect: ask });
  }
  if (list.length === 0) return <span />;
  return (
    <Menu
      align={item.mine ? "end" : "start"}
      trigger={
        <button
          type="button"
          data-message-menu=""
          className={styles["menu"]}
          tabIndex={tabIndex}
          aria-label={t("timeline:action.menu")}
        >
          <EllipsisVertical size={18} />
        </button>
      }
      actions={list}
    />
  );
}

function Readers({ people }: { people: readonly Person[] }): ReactNode {
  const t = useT();
  const label = t("timeline:readBy", { names: joinNames(people.map((person) => shortName(person.displayName))) });
  return (
    <div className={styles["readers"]} role="img" aria-label={label} title={label}>
      {people.slice(0, MOST_FACES).map((person) => (
        <PersonAvatar key={person.userId} person={person} size={18} className={styles["reader"]} />
      ))}
      {people.length > MOST_FACES ? <span className={styles["readersMore"]}>+{people.length - MOST_FACES}</span> : null}
    </div>
  );
}
