import { type ReactNode, useState } from "react";
import styles from "./Avatar.module.css";
import { avatarColour, initials } from "./avatarColour";
import { classes } from "./classes";

/** Properties of {@link Avatar}. */
export interface AvatarProps {
  /** Chooses the colour: a user's or room's id. */
  readonly id: string;
  readonly name: string;
  /** A picture that can be shown at once (`blob:`); initials stand in until then, and if it cannot be read. */
  readonly src?: string | null | undefined;
  /** People are round, groups square. */
  readonly shape?: "person" | "group";
  /** Pixels: 72 in details, 44 in lists, 32 in the timeline, 18 for who has read. */
  readonly size?: 96 | 72 | 44 | 32 | 24 | 18;
  /** Read aloud; leave it out where the name stands beside it. */
  readonly label?: string;
  readonly className?: string;
}

/** The face of a person or group. */
export function Avatar({ id, name, src, shape = "person", size = 44, label, className }: AvatarProps): ReactNode {
  const [broken, setBroken] = useState<string | null>(null);
  const picture = src && src !== broken ? src : null;
  return (
    <span
      className={classes(styles["avatar"], styles[shape], styles[`s${size}`], className)}
      style={picture ? undefined : { backgroundColor: avatarColour(id) }}
      // Drawn by the style sheet: initials are a picture, not words that a name would have to contain.
      data-initials={picture ? undefined : initials(name)}
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    >
      {picture ? (
        <img src={picture} alt="" className={styles["picture"]} draggable={false} onError={() => setBroken(picture)} />
      ) : null}
    </span>
  );
}
