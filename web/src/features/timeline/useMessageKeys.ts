import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { TimelineRow } from "../../viewmodels/timelineRows";
import { copyableText, type MessageActions } from "./MessageRow";

/** Moves the focus between messages, and copies or deletes the one that has it. */
export function useMessageKeys(
  rows: readonly TimelineRow[],
  virtualizer: RefObject<VirtualizerHandle | null>,
  scroller: RefObject<HTMLDivElement | null>,
  actions: MessageActions,
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
