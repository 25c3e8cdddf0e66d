import { CircleAlert, Download, X } from "lucide-react";
import type { ReactNode } from "react";
import { formatSize } from "../../i18n/format";
import { useT } from "../../i18n/react";
import type { FileBody } from "../../matrix/types";
import { Progress } from "../../ui";
import type { DownloadState } from "../../viewmodels/DownloadsViewModel";
import { useFailureText } from "../failure";
import styles from "./bubble.module.css";

/** What stands on a file's square: the end of its name. */
function extension(name: string): string {
  const end = /\.([\p{L}\p{N}]{1,5})$/u.exec(name)?.[1] ?? "";
  return end.slice(0, 4).toUpperCase();
}

/** Properties of {@link FileCard}. */
export interface FileCardProps {
  readonly body: FileBody;
  readonly download: DownloadState | undefined;
  readonly onSave: () => void;
  readonly onCancel: () => void;
  readonly tabIndex: number;
}

/** A file in its bubble: name, size, saving with its progress. */
export function FileCard({ body, download, onSave, onCancel, tabIndex }: FileCardProps): ReactNode {
  const t = useT();
  const running = download?.status === "running" ? download : null;
  const failure = useFailureText(download?.status === "failed" ? download.failure : null);
  const facts = [
    body.size === null ? t("timeline:file.unknownSize") : formatSize(body.size),
    ...(body.source.kind === "clear" ? [] : [t("timeline:file.encrypted")]),
  ];
  return (
    <div className={styles["file"]}>
      <span className={styles["fileKind"]} aria-hidden="true">
        {extension(body.name) || <Download size={16} />}
      </span>
      <span className={styles["fileWords"]}>
        <span className={styles["fileName"]}>{body.name}</span>
        <span className={styles["fileFacts"]}>{facts.join(" · ")}</span>
        {running ? (
          <Progress
            label={t("timeline:download.running", { name: body.name })}
            labelHidden
            value={running.total === null ? undefined : running.loaded}
            max={running.total ?? 1}
          />
        ) : null}
        {failure ? (
          <span role="alert" className={styles["fileFailure"]}>
            <CircleAlert size={14} aria-hidden="true" /> {failure}
          </span>
        ) : null}
      </span>
      {body.source.kind === "local" ? null : (
        <button
          type="button"
          className={styles["fileAction"]}
          tabIndex={tabIndex}
          aria-label={
            running ? t("timeline:download.cancel", { name: body.name }) : t("timeline:action.saveNamed", { name: body.name })
          }
          onClick={running ? onCancel : onSave}
        >
          {running ? <X size={18} /> : <Download size={18} />}
        </button>
      )}
    </div>
  );
}
