import { ArrowDown } from "lucide-react";
import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { useLanguage, useT } from "../../i18n/react";
import type { RoomDetails, TimelineItem, UserId } from "../../matrix/types";
import { Button, ConfirmDialog, Loading, Skeleton, showToast, useViewModel } from "../../ui";
import type { DownloadsSnapshot, DownloadsViewModel } from "../../viewmodels/DownloadsViewModel";
import { shortName } from "../../viewmodels/names";
import { changedAtStart, followsEnd, isAtEnd, LOAD_OLDER_PX, type ScrollMeasure } from "../../viewmodels/scrolling";
import type { TimelineSnapshot, TimelineViewModel } from "../../viewmodels/TimelineViewModel";
import { dayLabel } from "../../viewmodels/time";
import type { TimelineRow } from "../../viewmodels/timelineRows";
import { messageSummary, noticeText } from "../../viewmodels/wording";
import { copyableText, type MessageActions, MessageRow } from "./MessageRow";
import styles from "./timeline.module.css";

/** Height in pixels of what stands above the rows: the skeleton of older messages, or nothing. */
const TOP_PX = 64;

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

function measure(element: HTMLElement): ScrollMeasure {
  return { offset: element.scrollTop, viewport: element.clientHeight, content: element.scrollHeight };
}

/**
 * Keeps the scrolled box where the person wants it: at the end as long as they are there, at what they read otherwise.
 */
function useFollowing(model: TimelineViewModel, rows: readonly TimelineRow[], toEnd: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useRef<VirtualizerHandle>(null);
  const following = useRef(true);
  const byPerson = useRef(false);
  const last = useRef<ScrollMeasure | null>(null);
  const opened = useRef(false);
  const [atEnd, setAtEnd] = useState(true);

  const goToEnd = useCallback(() => {
    following.current = true;
    byPerson.current = false;
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, []);

  const look = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const now = measure(element);
    following.current = followsEnd(following.current, last.current ?? now, now, byPerson.current);
    last.current = now;
    const end = isAtEnd(now);
    // Almost at the end, and nobody is moving: the last line is to be seen whole.
    if (end && !byPerson.current && now.offset + now.viewport < now.content - 1) goToEnd();
    setAtEnd(end);
    model.setAtEnd(end);
    if (now.offset < LOAD_OLDER_PX && opened.current && model.getSnapshot().older.status === "idle") model.loadOlder();
  }, [model, goToEnd]);

  const onResize = useCallback(() => {
    if (following.current) goToEnd();
    look();
  }, [goToEnd, look]);

  // The first drawing goes to what is new, or to the end; later ones stay at the end if they were there.
  useLayoutEffect(() => {
    if (rows.length === 0) return;
    if (!opened.current) {
      opened.current = true;
      const firstNew = rows.findIndex((row) => row.kind === "new");
      if (firstNew > 0) {
        following.current = false;
        virtualizer.current?.scrollToIndex(firstNew, { align: "start", offset: -TOP_PX });
        return;
      }
    }
    if (following.current) goToEnd();
  }, [rows, goToEnd]);

  const sent = useRef(toEnd);
  useLayoutEffect(() => {
    if (sent.current === toEnd) return;
    sent.current = toEnd;
    goToEnd();
  }, [toEnd, goToEnd]);

  // Rows that do not fill the box give nothing to scroll: older ones are asked for once these are measured.
  useEffect(() => {
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  });

  const person = useMemo(
    () => ({
      onWheel: (event: { deltaY: number }) => {
        byPerson.current = event.deltaY < 0;
      },
      onTouchMove: () => {
        byPerson.current = true;
      },
      /** A key that moves up was pressed. */
      up: () => {
        byPerson.current = true;
      },
    }),
    [],
  );
  const onScrollEnd = useCallback(() => {
    byPerson.current = false;
    look();
  }, [look]);

  return { scroller, virtualizer, atEnd, goToEnd, look, onResize, onScrollEnd, person };
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

/** Moves the focus between messages, and copies or deletes the one that has it. */
function useKeys(
  rows: readonly TimelineRow[],
  virtualizer: React.RefObject<VirtualizerHandle | null>,
  scroller: React.RefObject<HTMLDivElement | null>,
  actions: MessageActions,
  onUp: () => void,
) {
  const [active, setActive] = useState<string | null>(null);
  const moved = useRef(false);
  const lastMessage = rows.findLastIndex((row) => row.kind === "message");
  const found = active === null ? -1 : rows.findIndex((row) => row.key === active);
  const activeIndex = found >= 0 ? found : lastMessage;

  useEffect(() => {
    if (!moved.current || active === null) return;
    moved.current = false;
    const message = scroller.current?.querySelector<HTMLElement>(`[data-message="${CSS.escape(active)}"]`);
    message?.focus({ preventScroll: true });
    message?.scrollIntoView({ block: "nearest" });
  });

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "PageUp" || event.key === "ArrowUp" || event.key === "Home") onUp();
    const target = event.target as HTMLElement;
    const row = rows[activeIndex];
    if (row?.kind !== "message" || target.dataset["message"] !== row.key || event.altKey || event.metaKey) return;
    const { item } = row;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const next = nextMessage(rows, activeIndex, event.key === "ArrowUp" ? -1 : 1);
      if (next < 0) return;
      moved.current = true;
      virtualizer.current?.scrollToIndex(next, { align: "nearest" });
      setActive(rows[next]?.key ?? null);
    } else if (event.key === "Enter" || event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      event.preventDefault();
      target.querySelector<HTMLButtonElement>("[data-message-menu]")?.click();
    } else if (event.key === "Escape") {
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-composer]")?.focus();
    } else if (event.key === "Delete" && item.canRedact && item.eventId !== null) {
      actions.askDelete(item);
    } else if (event.key === "c" && event.ctrlKey && getSelection()?.isCollapsed !== false) {
      const text = copyableText(item);
      if (text !== null) actions.copy(text);
    }
  };
  const onFocus = (event: { target: EventTarget }) => {
    const message = (event.target as HTMLElement).closest<HTMLElement>("[data-message]");
    if (message?.dataset["message"]) setActive(message.dataset["message"]);
  };
  return { activeIndex, onKeyDown, onFocus };
}

function nextMessage(rows: readonly TimelineRow[], from: number, step: 1 | -1): number {
  for (let index = from + step; index >= 0 && index < rows.length; index += step) {
    if (rows[index]?.kind === "message") return index;
  }
  return -1;
}

function Scroller(props: TimelineViewProps & { snapshot: TimelineSnapshot }): ReactNode {
  const { model, downloads, details, me, snapshot } = props;
  const { rows, older, missed, arrived, toEnd, today } = snapshot;
  const t = useT();
  const saving = useViewModel(downloads);
  const [deleting, setDeleting] = useState<TimelineItem | null>(null);
  const actions = useActions(props, setDeleting);
  const { scroller, virtualizer, atEnd, goToEnd, look, onResize, onScrollEnd, person } = useFollowing(model, rows, toEnd);
  const { activeIndex, onKeyDown, onFocus } = useKeys(rows, virtualizer, scroller, actions, person.up);

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
        onWheel={person.onWheel}
        onTouchMove={person.onTouchMove}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
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
          keepMounted={activeIndex >= 0 ? [activeIndex] : []}
          onScroll={look}
          onScrollEnd={onScrollEnd}
          onResize={onResize}
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
              tabStop={index === activeIndex}
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
