import { Switch as Base } from "@base-ui/react/switch";
import { type ReactNode, useId } from "react";
import styles from "./Switch.module.css";

/** Something that is on or off, and takes effect at once. */
export function Switch({
  label,
  help,
  checked,
  disabled,
  onChange,
}: {
  label: string;
  help?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}): ReactNode {
  const id = useId();
  return (
    <div className={styles["row"]}>
      <div className={styles["words"]}>
        <span id={id} className={styles["label"]}>
          {label}
        </span>
        {help ? (
          <div id={`${id}-help`} className={styles["help"]}>
            {help}
          </div>
        ) : null}
      </div>
      <Base.Root
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={onChange}
        aria-labelledby={id}
        aria-describedby={help ? `${id}-help` : undefined}
        className={styles["switch"]}
      >
        <Base.Thumb className={styles["thumb"]} />
      </Base.Root>
    </div>
  );
}
