import { MessageCircle, Pencil, Search, X } from "lucide-react";
import {
  createContext,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";
import { type CustomItemComponentProps, Virtualizer, type VirtualizerHandle } from "virtua";
import { useT } from "../../i18n/react";
import type { RoomId, UserId } from "../../matrix/types";
import { Button, classes, EmptyState, ErrorState, IconButton, Loading, Skeleton, TextField, useViewModel } from "../../ui";
import type { RoomListSnapshot, RoomListViewModel } from "../../viewmodels/RoomListViewModel";
import { ROOM_FILTERS } from "../../viewmodels/roomFilter";
import { Invitations } from "./Invitations";
import { RoomRow } from "./RoomRow";
import styles from "./room-list.module.css";

/** Height of a row in pixels; every row has it, so that 5,000 of them need no measuring. */
const ROW_PX = 64;

/** Properties of {@link RoomListView}. */
export interface RoomListViewProps {
  readonly model: RoomListViewModel;
  readonly me: UserId;
  readonly onOpen: (roomId: RoomId) => void;
  readonly onNew: () => void;
  readonly searchRef?: Ref<HTMLInputElement>;
  /** Below the conversations, for example the offer of notifications. */
  readonly footer?: ReactNode;
}

/** The conversations: search, filters, invitations, rows. */
export function RoomListView({ model, me, onOpen, onNew, searchRef, footer }: RoomListViewProps): ReactNode {
  const t = useT();
  const snapshot = useViewModel(model);
  const accept = async (roomId: RoomId) => {
    if (await model.accept(roomId)) onOpen(roomId);
  };
  return (
    <section className={styles["list"]} aria-label={t("room-list:title")}>
      <header className={styles["head"]}>
        <h1 className={styles["title"]}>{t("room-list:title")}</h1>
        <IconButton label={t("room-list:new")} icon={<Pencil size={20} />} onClick={onNew} />
      </header>
      <div className={styles["search"]}>
        <TextField
          {...(searchRef ? { ref: searchRef } : {})}
          type="text"
          role="searchbox"
          label={t("room-list:search")}
          labelHidden
          placeholder={t("room-list:search.placeholder")}
          autoComplete="off"
          spellCheck={false}
          leading={<Search size={18} aria-hidden="true" />}
          trailing={
            snapshot.query ? (
              <button
                type="button"
                className={styles["clear"]}
                aria-label={t("room-list:search.clear")}
                onClick={() => model.setQuery("")}
              >
                <X size={16} />
              </button>
            ) : undefined
          }
          value={snapshot.query}
          onChange={(event) => model.setQuery(event.target.value)}
          onKeyDown={(event) => {
            const [first] = snapshot.rooms;
            if (event.key === "Escape") model.setQuery("");
            else if (event.key === "Enter" && snapshot.query && first) onOpen(first.roomId);
          }}
        />
      </div>
      <Filters model={model} snapshot={snapshot} />
      <Invitations
        invitations={snapshot.invitations}
        onAccept={accept}
        onDecline={(roomId) => {
          void model.decline(roomId);
        }}
      />
      <Body model={model} snapshot={snapshot} me={me} onOpen={onOpen} onNew={onNew} />
      {footer}
    </section>
  );
}

function Filters({ model, snapshot }: { model: RoomListViewModel; snapshot: RoomListSnapshot }): ReactNode {
  const t = useT();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would announce a form where there is none
    <div role="group" aria-label={t("room-list:filters")} className={styles["chips"]}>
      {ROOM_FILTERS.map((filter) => (
        <button
          key={filter}
          type="button"
          className={styles["chip"]}
          aria-pressed={snapshot.filter === filter}
          onClick={() => model.setFilter(filter)}
        >
          {t(`room-list:filter.${filter}`)}
          {filter === "unread" && snapshot.unreadRooms > 0 ? ` ${snapshot.unreadRooms}` : null}
        </button>
      ))}
    </div>
  );
}

type BodyProps = Pick<RoomListViewProps, "model" | "me" | "onOpen" | "onNew"> & { snapshot: RoomListSnapshot };

function Body({ model, snapshot, me, onOpen, onNew }: BodyProps): ReactNode {
  const t = useT();
  switch (snapshot.status) {
    case "loading":
      return <ListSkeleton />;
    case "failed":
      return (
        <ErrorState title={t("room-list:failed.title")} message={t("room-list:failed.text")} onRetry={() => model.retry()} />
      );
    case "empty":
      // An invitation says what to do first; nothing else needs to.
      if (snapshot.invitations.length > 0) return null;
      return (
        <EmptyState
          icon={<MessageCircle size={32} />}
          title={t("room-list:empty.title")}
          action={<Button onClick={onNew}>{t("room-list:new")}</Button>}
        >
          {t("room-list:empty.text")}
        </EmptyState>
      );
    case "no-match":
      return <NoMatch model={model} snapshot={snapshot} />;
    case "full":
      return <Rows snapshot={snapshot} me={me} onOpen={onOpen} />;
  }
}

function NoMatch({ model, snapshot }: { model: RoomListViewModel; snapshot: RoomListSnapshot }): ReactNode {
  const t = useT();
  const { query, filter } = snapshot;
  const text = query.trim() !== "" || filter === "all" ? t("room-list:noMatch.query") : t(`room-list:noMatch.${filter}`);
  return (
    <div role="status">
      <EmptyState
        title={t("room-list:noMatch.title")}
        action={
          <Button
            variant="line"
            onClick={() => {
              model.setQuery("");
              model.setFilter("all");
            }}
          >
            {t("room-list:noMatch.reset")}
          </Button>
        }
      >
        {text}
      </EmptyState>
    </div>
  );
}

/** The size of the whole list, for rows that know their place in it although most of them are not drawn. */
const ListSize = createContext(0);

function Item({ style, index, children, ref }: CustomItemComponentProps): ReactNode {
  return (
    <li ref={ref} style={style} aria-posinset={index + 1} aria-setsize={useContext(ListSize)}>
      {children}
    </li>
  );
}

function Rows({ snapshot, me, onOpen }: Pick<BodyProps, "snapshot" | "me" | "onOpen">): ReactNode {
  const t = useT();
  const { rooms, open, today } = snapshot;
  const virtualizer = useRef<VirtualizerHandle>(null);
  const focused = useRef<HTMLButtonElement>(null);
  const moved = useRef(false);
  const [active, setActive] = useState<RoomId | null>(open);

  const indexOf = (roomId: RoomId | null) => rooms.findIndex((room) => room.roomId === roomId);
  const activeIndex = Math.max(0, indexOf(active) >= 0 ? indexOf(active) : indexOf(open));

  // The open conversation is brought into view, for example after Alt+Down or a press on a notification.
  // Only when another one is opened: a row that moves up must not take the view with it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    const index = rooms.findIndex((room) => room.roomId === open);
    if (index >= 0) virtualizer.current?.scrollToIndex(index, { align: "nearest" });
    setActive(open);
  }, [open]);

  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    virtualizer.current?.scrollToIndex(activeIndex, { align: "nearest" });
    focused.current?.focus({ preventScroll: true });
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const last = rooms.length - 1;
    const target = { ArrowDown: activeIndex + 1, ArrowUp: activeIndex - 1, Home: 0, End: last }[event.key];
    if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = rooms[Math.min(last, Math.max(0, target))];
    if (!next) return;
    moved.current = true;
    setActive(next.roomId);
  };
  const onFocus = useCallback((roomId: RoomId) => setActive(roomId), []);

  return (
    // The keys move the focus between the rows, which are buttons themselves.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    <div className={styles["scroll"]} onKeyDown={onKeyDown}>
      <ListSize value={rooms.length}>
        <Virtualizer
          ref={virtualizer}
          data={rooms}
          itemSize={ROW_PX}
          as={RowsList}
          item={Item}
          keepMounted={activeIndex < rooms.length ? [activeIndex] : []}
        >
          {(room, index) => (
            <RoomRow
              key={room.roomId}
              ref={index === activeIndex ? focused : null}
              room={room}
              me={me}
              open={room.roomId === open}
              tabStop={index === activeIndex}
              today={today}
              onOpen={onOpen}
              onFocus={onFocus}
            />
          )}
        </Virtualizer>
      </ListSize>
      <p className="visually-hidden" aria-live="polite">
        {snapshot.query ? t("room-list:results", { count: rooms.length }) : ""}
      </p>
    </div>
  );
}

function RowsList({ style, children, ref }: { style: React.CSSProperties; children: ReactNode; ref?: Ref<HTMLUListElement> }) {
  const t = useT();
  return (
    <ul ref={ref} style={style} aria-label={t("room-list:title")}>
      {children}
    </ul>
  );
}

const SKELETON_WIDTHS = ["52%", "38%", "60%", "44%", "56%", "34%", "48%", "41%"] as const;

function ListSkeleton(): ReactNode {
  const t = useT();
  return (
    <Loading label={t("room-list:loading")}>
      {SKELETON_WIDTHS.map((width, index) => (
        <div key={width} className={classes(styles["row"], styles["skeleton"])}>
          <Skeleton shape={index % 3 === 0 ? "group" : "person"} />
          <span className={styles["skeletonWords"]}>
            <Skeleton width={width} />
            <Skeleton width="76%" />
          </span>
        </div>
      ))}
    </Loading>
  );
}
