import { type ReactNode, useEffect, useRef, useState } from "react";
import type { RoomId, UserId } from "../../matrix/types";
import { classes, useOwnViewModel } from "../../ui";
import type { Messenger } from "../../viewmodels/Messenger";
import { DetailsView } from "../details/DetailsView";
import { NotificationOffer } from "../notifications/NotificationOffer";
import { AddPeopleDialog } from "../people/AddPeopleDialog";
import { NewConversationDialog } from "../people/NewConversationDialog";
import { PicturesProvider } from "../people/pictures";
import { ConversationView, NoConversation } from "../timeline/ConversationView";
import styles from "./conversations.module.css";
import { RoomListView } from "./RoomListView";

/** Properties of {@link ConversationsScreen}. */
export interface ConversationsScreenProps {
  readonly messenger: Messenger;
  /** The open conversation; null for none. */
  readonly roomId: RoomId | null;
  /** Opens another conversation, or none: on a phone that is the way back to the list. */
  readonly onNavigate: (roomId: RoomId | null) => void;
  /** Starts the comparison of emojis with a person. */
  readonly onVerifyPerson: (userId: UserId) => void;
}

/**
 * The list, the conversation and its details: three panes from 1,100 px, two from 720, one below.
 * Keys: Ctrl+N or Alt+N new conversation, Ctrl+K search, Alt+Up and Alt+Down from one conversation to the next.
 */
export function ConversationsScreen(props: ConversationsScreenProps): ReactNode {
  const { messenger, roomId, onNavigate, onVerifyPerson } = props;
  const search = useRef<HTMLInputElement>(null);
  const [creating, setCreating] = useState(false);
  const [detailsOpen, setDetailsOpen] = useState(false);
  useOpenConversation(props);
  useShortcuts(props, search, () => setCreating(true));

  const screen = useRef<HTMLElement>(null);
  const before = useRef(roomId);
  useEffect(() => {
    // On a phone the way back leads to the row that the person came from.
    if (before.current !== null && roomId === null) {
      screen.current?.querySelector<HTMLElement>('[data-room-row][tabindex="0"]')?.focus();
    }
    before.current = roomId;
  }, [roomId]);

  const closeNew = () => setCreating(false);
  return (
    <PicturesProvider pictures={messenger.pictures}>
      <main ref={screen} className={classes(styles["screen"], roomId !== null && styles["reading"])}>
        <div className={styles["list"]}>
          <RoomListView
            model={messenger.roomList}
            me={messenger.me.userId}
            onOpen={onNavigate}
            onNew={() => setCreating(true)}
            searchRef={search}
            footer={<NotificationOffer model={messenger.notifications} />}
          />
        </div>
        {roomId === null ? (
          <div className={styles["conversation"]}>
            <NoConversation />
          </div>
        ) : (
          <OpenConversation
            key={roomId}
            messenger={messenger}
            roomId={roomId}
            detailsOpen={detailsOpen}
            onDetails={setDetailsOpen}
            onNavigate={onNavigate}
            onVerifyPerson={onVerifyPerson}
          />
        )}
      </main>
      {creating ? (
        <NewConversationDialog
          messenger={messenger}
          onClose={closeNew}
          onOpened={(opened) => {
            closeNew();
            onNavigate(opened);
          }}
        />
      ) : null}
    </PicturesProvider>
  );
}

interface OpenConversationProps extends ConversationsScreenProps {
  readonly roomId: RoomId;
  readonly detailsOpen: boolean;
  readonly onDetails: (open: boolean) => void;
}

function OpenConversation({
  messenger,
  roomId,
  detailsOpen,
  onDetails,
  onNavigate,
  onVerifyPerson,
}: OpenConversationProps): ReactNode {
  const model = useOwnViewModel(() => messenger.conversation(roomId), [messenger, roomId]);
  const [adding, setAdding] = useState(false);
  const pane = useRef<HTMLDivElement>(null);

  // Whoever opens a conversation wants to write, except on a phone, where the keyboard would hide what was said.
  useEffect(() => {
    if (!matchMedia("(min-width: 720px) and (hover: hover)").matches) return;
    pane.current?.querySelector<HTMLElement>("[data-composer]")?.focus();
  }, []);

  return (
    <>
      <div ref={pane} className={styles["conversation"]}>
        <ConversationView
          messenger={messenger}
          model={model}
          detailsOpen={detailsOpen}
          onDetails={() => onDetails(!detailsOpen)}
          onBack={() => onNavigate(null)}
          onVerify={onVerifyPerson}
        />
      </div>
      {detailsOpen ? (
        <div className={styles["details"]}>
          <DetailsView
            model={model}
            onClose={() => {
              onDetails(false);
              pane.current?.querySelector<HTMLElement>("[data-details-button]")?.focus();
            }}
            onAddPeople={() => setAdding(true)}
            onVerify={onVerifyPerson}
            onLeft={() => {
              onDetails(false);
              onNavigate(null);
            }}
          />
        </div>
      ) : null}
      {adding ? <AddPeopleDialog messenger={messenger} roomId={roomId} onClose={() => setAdding(false)} /> : null}
    </>
  );
}

/** Tells the list and the notifications which conversation is on the screen. */
function useOpenConversation({ messenger, roomId, onNavigate }: ConversationsScreenProps): void {
  useEffect(() => {
    messenger.roomList.setOpen(roomId);
    messenger.notifications.setOpen(roomId, onNavigate);
  }, [messenger, roomId, onNavigate]);
  useEffect(
    () => () => {
      messenger.roomList.setOpen(null);
      messenger.notifications.setOpen(null, () => {});
    },
    [messenger],
  );
}

function useShortcuts(
  { messenger, onNavigate }: ConversationsScreenProps,
  search: React.RefObject<HTMLInputElement | null>,
  onNew: () => void,
): void {
  const handlers = useRef({ onNavigate, onNew });
  handlers.current = { onNavigate, onNew };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      // A dialog keeps its keys to itself.
      if (event.defaultPrevented || document.querySelector('[role="dialog"], [role="alertdialog"]')) return;
      const control = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      // Browsers keep Ctrl+N to themselves outside an installed app: Alt+N does the same everywhere.
      const alternative = event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyN";
      if (alternative || (control && event.key.toLowerCase() === "n")) {
        event.preventDefault();
        handlers.current.onNew();
      } else if (control && event.key.toLowerCase() === "k") {
        event.preventDefault();
        search.current?.focus();
        search.current?.select();
      } else if (event.altKey && !event.ctrlKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        const next = messenger.roomList.neighbour(event.key === "ArrowDown" ? 1 : -1);
        if (next !== null) handlers.current.onNavigate(next);
      }
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [messenger, search]);
}
