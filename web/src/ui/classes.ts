/** Joins the class names that are set: `classes(styles.button, busy && styles.busy)`. */
export function classes(...names: ReadonlyArray<string | false | null | undefined>): string {
  return names.filter(Boolean).join(" ");
}
