import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  type TouchEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type WheelEvent,
} from "react";
import type { VirtualizerHandle } from "virtua";
import { followsEnd, type Hand, isAtEnd, LOAD_OLDER_PX, type ScrollMeasure, sameMeasure } from "../../viewmodels/scrolling";
import type { TimelineViewModel } from "../../viewmodels/TimelineViewModel";
import type { TimelineRow } from "../../viewmodels/timelineRows";

/** Height in pixels of what stands above the rows: the skeleton of older messages, or nothing. */
export const TOP_PX = 64;

/** Frames in a row in which nothing changed its size or place: what follows is no late measuring any more. */
const STILL_FRAMES = 3;

/** What {@link useFollowing} gives to the scrolled box and to the virtualiser inside it. */
export interface Following {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly virtualizer: RefObject<VirtualizerHandle | null>;
  /** The end is in view, or will be as soon as everything is measured. */
  readonly atEnd: boolean;
  readonly goToEnd: () => void;
  /** For the virtualiser. */
  readonly onScroll: () => void;
  readonly onScrollEnd: () => void;
  readonly onResize: () => void;
  /** For the box: they only tell who moves it. */
  readonly person: {
    readonly onWheel: (event: WheelEvent) => void;
    readonly onTouchStart: (event: TouchEvent) => void;
    readonly onTouchMove: (event: TouchEvent) => void;
    readonly onPointerDown: (event: PointerEvent) => void;
  };
  /** A key that moves up was pressed. */
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

function measure(element: HTMLElement): ScrollMeasure {
  return { offset: element.scrollTop, viewport: element.clientHeight, content: element.scrollHeight };
}

/**
 * Keeps the scrolled box where the person wants it: at the end as long as they are there, at what they read otherwise.
 *
 * Rows are measured late and the virtualiser then moves the box by itself, sometimes frames afterwards. So after every
 * change the box is watched until it has been still for some frames, and put back to the end if it was there.
 */
export function useFollowing(model: TimelineViewModel, rows: readonly TimelineRow[], toEnd: number): Following {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useRef<VirtualizerHandle>(null);
  const following = useRef(true);
  const hand = useRef<Hand>("none");
  const last = useRef<ScrollMeasure | null>(null);
  const opened = useRef(false);
  /** The next look of the watch; 0 while the box is still. */
  const frame = useRef(0);
  const still = useRef(0);
  const [atEnd, setAtEnd] = useState(true);

  const look = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const before = last.current ?? measure(element);
    let now = measure(element);
    const settling = frame.current !== 0;
    following.current = followsEnd(following.current, before, now, hand.current, settling);
    if (following.current && hand.current === "none" && now.offset + now.viewport < now.content - 1) {
      element.scrollTop = now.content;
      now = measure(element);
    }
    last.current = now;
    const end = following.current || (isAtEnd(now) && !settling);
    setAtEnd(end);
    model.setAtEnd(end);
    if (now.offset < LOAD_OLDER_PX && opened.current && model.getSnapshot().older.status === "idle") model.loadOlder();
  }, [model]);

  const watch = useCallback(() => {
    still.current = 0;
    if (frame.current !== 0) return;
    const tick = () => {
      const before = last.current;
      look();
      still.current = before && last.current && sameMeasure(before, last.current) ? still.current + 1 : 0;
      frame.current = still.current < STILL_FRAMES ? requestAnimationFrame(tick) : 0;
      if (frame.current === 0) look();
    };
    frame.current = requestAnimationFrame(tick);
  }, [look]);

  const goToEnd = useCallback(() => {
    following.current = true;
    hand.current = "none";
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
    watch();
  }, [watch]);

  const onResize = useCallback(() => {
    if (following.current) goToEnd();
    watch();
    look();
  }, [goToEnd, watch, look]);

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

  // Whatever was drawn may change a size. Rows that do not fill the box give nothing to scroll: older ones are asked for
  // once these are measured.
  useEffect(watch);
  useEffect(
    () => () => {
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    },
    [],
  );

  // A pressed button drags the scroll bar or selects text; it may be let go anywhere.
  useEffect(() => {
    const onRelease = () => {
      if (hand.current !== "held") return;
      hand.current = "none";
      look();
    };
    window.addEventListener("pointerup", onRelease);
    window.addEventListener("pointercancel", onRelease);
    return () => {
      window.removeEventListener("pointerup", onRelease);
      window.removeEventListener("pointercancel", onRelease);
    };
  }, [look]);

  const person = useMemo(() => {
    let finger = 0;
    return {
      onWheel: ({ deltaY }: WheelEvent) => {
        hand.current = deltaY < 0 ? "up" : "none";
      },
      onTouchStart: ({ touches }: TouchEvent) => {
        finger = touches[0]?.clientY ?? 0;
      },
      onTouchMove: ({ touches }: TouchEvent) => {
        const place = touches[0]?.clientY ?? finger;
        if (place > finger) hand.current = "up";
        finger = place;
      },
      onPointerDown: ({ button, pointerType }: PointerEvent) => {
        if (button === 0 && pointerType !== "touch") hand.current = "held";
      },
    };
  }, []);
  const onKeyDown = useCallback((event: KeyboardEvent) => {
    const spaceUp = event.key === " " && event.shiftKey;
    if (spaceUp || event.key === "PageUp" || event.key === "ArrowUp" || event.key === "Home") hand.current = "up";
  }, []);
  const onScrollEnd = useCallback(() => {
    if (hand.current === "up") hand.current = "none";
    watch();
    look();
  }, [watch, look]);

  return { scroller, virtualizer, atEnd, goToEnd, onScroll: look, onScrollEnd, onResize, person, onKeyDown };
}
