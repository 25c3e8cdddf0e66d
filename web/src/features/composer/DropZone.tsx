import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useT } from "../../i18n/react";
import { useViewModel } from "../../ui";
import type { ComposerViewModel } from "../../viewmodels/ComposerViewModel";
import styles from "./composer.module.css";

function carriesFiles(event: { dataTransfer: DataTransfer | null }): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** A file dropped beside the place for it must not make the browser leave the page. */
function useHarmlessDrops(): void {
  useEffect(() => {
    const refuse = (event: globalThis.DragEvent) => {
      if (event.defaultPrevented || !carriesFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
    };
    window.addEventListener("dragover", refuse);
    window.addEventListener("drop", refuse);
    return () => {
      window.removeEventListener("dragover", refuse);
      window.removeEventListener("drop", refuse);
    };
  }, []);
}

/** Files dropped anywhere on a conversation go into its composer, to be looked at before they are sent. */
export function DropZone({ model, children }: { model: ComposerViewModel; children: ReactNode }): ReactNode {
  const t = useT();
  const { gate } = useViewModel(model);
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  const open = gate.state === "open" || gate.state === "checking";
  useHarmlessDrops();

  const end = () => {
    depth.current = 0;
    setOver(false);
  };
  const onDragEnter = (event: DragEvent) => {
    if (!open || !carriesFiles(event)) return;
    // Entering a child comes before leaving its parent, so the zone is left only when all that were entered are.
    depth.current += 1;
    setOver(true);
  };
  const onDragLeave = () => {
    depth.current -= 1;
    if (depth.current <= 0) end();
  };
  const onDragOver = (event: DragEvent) => {
    if (open && carriesFiles(event)) event.preventDefault();
  };
  const onDrop = (event: DragEvent) => {
    if (!open || !carriesFiles(event)) return;
    event.preventDefault();
    end();
    void model.addFiles([...event.dataTransfer.files]);
  };
  return (
    // For the mouse alone: the button that attaches files is the keyboard's way.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    <div className={styles["zone"]} onDragEnter={onDragEnter} onDragLeave={onDragLeave} onDragOver={onDragOver} onDrop={onDrop}>
      {children}
      {over ? (
        <div className={styles["drop"]} aria-hidden="true">
          {t("composer:drop")}
        </div>
      ) : null}
    </div>
  );
}
