import { ArrowDown } from "lucide-react";
import { type ReactNode, type Ref, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import { useLanguage, useT } from "../../i18n/react";
import type { RoomDetails, TimelineItem, UserId } from "../../matrix/types";
import { Button, ConfirmDialog, Loading, Skeleton, showToast, useViewModel } from "../../ui";
import type { DownloadsSnapshot, DownloadsViewModel } from "../../viewmodels/DownloadsViewModel";
import { shortName } from "../../viewmodels/names";
import { changedAtStart } from "../../viewmodels/scrolling";
import type { TimelineSnapshot, TimelineViewModel } from "../../viewmodels/TimelineViewModel";
import { dayLabel } from "../../viewmodels/time";
import type { TimelineRow } from "../../viewmodels/timelineRows";
import { messageSummary, noticeText } from "../../viewmodels/wording";
import { type MessageActions, MessageRow } from "./MessageRow";
import styles from "./timeline.module.css";
import { TOP_PX, useFollowing } from "./useFollowing";
import { useMessageKeys } from "./useMessageKeys";

/** Properties of {@link TimelineView}. */
export interface TimelineViewProps {
  readonly model: TimelineViewModel;
  readonly downloads: DownloadsViewModel;
  readonly details: RoomDetails;
  readonly me: UserId;
}

/** A conversation's messages. Mount it anew for another conversation. */
export function TimelineView(props: TimelineViewProps): ReactNode {
  const { model } = props;
  const t = useT();
  const snapshot = useViewModel(model);
  const { failure } = snapshot;

  useEffect(() => {
    if (!failure) return;
    showToast({ title: t("common:error.title"), description: t(`errors:${failure.kind}`), tone: "alarm" });
    model.dismissFailure();
  }, [failure, model, t]);

  if (snapshot.loading) return <TimelineSkeleton />;
  return <Scroller {...props} snapshot={snapshot} />;
}

function useActions({ model, downloads }: TimelineViewProps, askDelete: (item: TimelineItem) => void): MessageActions {
  const t = useT();
  return useMemo(
    () => ({
      copy: (text) => {
        void model.copy(text).then(() => showToast({ title: t("timeline:action.copied"), timeout: 2500 }));
      },
      askDelete,
      retry: (key) => void model.retry(key),
      discard: (key) => void model.discard(key),
      save: (key, body) => void downloads.start(key, body),
      cancelSave: (key) => downloads.cancel(key),
    }),
    [model, downloads, askDelete, t],
  );
}

function Scroller(props: TimelineViewProps & { snapshot: TimelineSnapshot }): ReactNode {
  const { model, downloads, details, me, snapshot } = props;
  const { rows, older, missed, arrived, toEnd, today } = snapshot;
  const t = useT();
  const saving = useViewModel(downloads);
  const [deleting, setDeleting] = useState<TimelineItem | null>(null);
  const actions = useActions(props, setDeleting);
  const following = useFollowing(model, rows, toEnd);
  const { scroller, virtualizer, atEnd, goToEnd } = following;
  const keys = useMessageKeys(rows, virtualizer, scroller, actions);

  // The virtualiser keeps the place from the end only in the very drawing in which older rows are added.
  const drawn = useRef(rows);
  const shift = changedAtStart(drawn.current, rows);
  useLayoutEffect(() => {
    drawn.current = rows;
  }, [rows]);

  return (
    <div className={styles["frame"]}>
      {/* Wheel, finger and keys only tell who moved the box; the messages inside are the keyboard's stops. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
      <div
        ref={scroller}
        className={styles["scroll"]}
        {...following.person}
        onKeyDown={(event) => {
          following.onKeyDown(event);
          keys.onKeyDown(event);
        }}
        onFocus={keys.onFocus}
      >
        <div className={styles["top"]}>
          <Older model={model} status={older.status} />
        </div>
        <Virtualizer
          ref={virtualizer}
          scrollRef={scroller}
          data={rows}
          as={RowsList}
          item="li"
          shift={shift}
          startMargin={TOP_PX}
          bufferSize={600}
          keepMounted={keys.activeIndex >= 0 ? [keys.activeIndex] : []}
          onScroll={following.onScroll}
          onScrollEnd={following.onScrollEnd}
          onResize={following.onResize}
        >
          {(row, index) => (
            <Row
              key={row.key}
              row={row}
              me={me}
              details={details}
              today={today}
              actions={actions}
              saving={saving}
              tabStop={index === keys.activeIndex}
            />
          )}
        </Virtualizer>
      </div>
      {atEnd ? null : (
        <button
          type="button"
          className={styles["jump"]}
          aria-label={missed > 0 ? t("timeline:jumpMissed", { count: missed }) : t("timeline:jump")}
          onClick={goToEnd}
        >
          <ArrowDown size={20} />
          {missed > 0 ? <span className={styles["missed"]}>{missed > 99 ? "99+" : missed}</span> : null}
        </button>
      )}
      <p className="visually-hidden" aria-live="polite">
        {arrived ? t("timeline:arrived", { name: shortName(arrived.sender.displayName), text: messageSummary(arrived) }) : ""}
      </p>
      <ConfirmDialog
        open={deleting !== null}
        title={t("timeline:delete.title")}
        description={t("timeline:delete.text")}
        confirmLabel={t("timeline:delete.confirm")}
        variant="alarm"
        onCancel={() => setDeleting(null)}
        onConfirm={() => {
          if (deleting?.eventId) void model.redact(deleting.eventId);
          setDeleting(null);
        }}
      />
    </div>
  );
}

function RowsList({ style, children, ref }: { style: React.CSSProperties; children: ReactNode; ref?: Ref<HTMLUListElement> }) {
  const t = useT();
  return (
    <ul ref={ref} style={style} className={styles["rows"]} aria-label={t("timeline:messages")}>
      {children}
    </ul>
  );
}

interface RowProps {
  readonly row: TimelineRow;
  readonly me: UserId;
  readonly details: RoomDetails;
  readonly today: number;
  readonly actions: MessageActions;
  readonly saving: DownloadsSnapshot;
  readonly tabStop: boolean;
}

function Row({ row, me, details, today, actions, saving, tabStop }: RowProps): ReactNode {
  const t = useT();
  const language = useLanguage();
  switch (row.kind) {
    case "start":
      return <Start details={details} />;
    case "day":
      return (
        <div className={styles["day"]}>
          <span className={styles["pill"]}>{dayLabel(row.ts, today, language)}</span>
        </div>
      );
    case "new":
      return <div className={styles["new"]}>{t("timeline:new", { count: row.count })}</div>;
    case "notice":
      return <p className={styles["notice"]}>{noticeText(row.items, me)}</p>;
    case "message":
      return <MessageRow row={row} actions={actions} download={saving.get(row.key)} tabStop={tabStop} />;
  }
}

function Start({ details }: { details: RoomDetails }): ReactNode {
  const t = useT();
  const { partner, name, encrypted } = details;
  return (
    <div className={styles["start"]}>
      <p className={styles["startTitle"]}>
        {partner ? t("timeline:start.direct", { name: shortName(partner.displayName) }) : t("timeline:start.group", { name })}
      </p>
      {encrypted ? <p>{t("timeline:start.text")}</p> : null}
    </div>
  );
}

function Older({ model, status }: { model: TimelineViewModel; status: TimelineSnapshot["older"]["status"] }): ReactNode {
  const t = useT();
  if (status === "failed") {
    return (
      <div role="alert" className={styles["olderFailed"]}>
        {t("timeline:older.failed")}
        <Button size="s" variant="line" onClick={() => model.loadOlder()}>
          {t("common:action.retry")}
        </Button>
      </div>
    );
  }
  if (status !== "loading") return null;
  return (
    <Loading label={t("timeline:older.loading")} className={styles["older"]}>
      <Skeleton shape="person" width="32px" height="32px" />
      <Skeleton shape="block" width="46%" height="40px" />
    </Loading>
  );
}

const SKELETONS = [
  { key: "a", mine: false, width: "52%", height: "52px" },
  { key: "b", mine: false, width: "34%", height: "34px" },
  { key: "c", mine: true, width: "46%", height: "52px" },
  { key: "d", mine: false, width: "40%", height: "34px" },
  { key: "e", mine: true, width: "28%", height: "34px" },
  { key: "f", mine: false, width: "58%", height: "72px" },
] as const;

function TimelineSkeleton(): ReactNode {
  const t = useT();
  return (
    <Loading label={t("timeline:loading")} className={styles["skeleton"]}>
      {SKELETONS.map(({ key, mine, width, height }) => (
        <div key={key} className={mine ? styles["skeletonMine"] : styles["skeletonTheirs"]}>
          {mine ? null : <Skeleton shape="person" width="32px" height="32px" />}
          <Skeleton shape="block" width={width} height={height} />
        </div>
      ))}
    </Loading>
  );
}
