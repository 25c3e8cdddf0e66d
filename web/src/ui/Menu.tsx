import { Menu as Base } from "@base-ui/react/menu";
import { type ReactElement, type ReactNode, useCallback, useRef } from "react";
import { classes } from "./classes";
import styles from "./Menu.module.css";

/** One line of a {@link Menu}. */
export interface MenuAction {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly onSelect: () => void;
  readonly disabled?: boolean;
  /** `alarm` for what cannot be undone: put it last. */
  readonly tone?: "plain" | "alarm";
}

/** Properties of {@link Menu}. */
export interface MenuProps {
  /** The button that opens it. */
  readonly trigger: ReactElement;
  readonly actions: readonly MenuAction[];
  readonly side?: "top" | "bottom" | "left" | "right";
  readonly align?: "start" | "center" | "end";
}

/** A short list of actions behind a button. */
export function Menu({ trigger, actions, side = "bottom", align = "end" }: MenuProps): ReactNode {
  // Shown in the region that it belongs to: whoever goes through the page by regions finds it there.
  const region = useRef<HTMLElement | null>(null);
  const findRegion = useCallback((button: HTMLElement | null) => {
    region.current = button?.closest<HTMLElement>('[role="dialog"], main, nav') ?? null;
  }, []);
  return (
    <Base.Root modal={false}>
      <Base.Trigger ref={findRegion} render={trigger} />
      <Base.Portal container={region} className={styles["portal"]}>
        <Base.Positioner positionMethod="fixed" side={side} align={align} sideOffset={4} className={styles["positioner"]}>
          <Base.Popup className={styles["popup"]}>
            {actions.map((action) => (
              <Base.Item
                key={action.label}
                className={classes(styles["item"], action.tone === "alarm" && styles["alarm"])}
                disabled={action.disabled ?? false}
                onClick={action.onSelect}
              >
                {action.icon}
                {action.label}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
