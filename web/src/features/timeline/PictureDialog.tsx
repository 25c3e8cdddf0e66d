import { Download } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useT } from "../../i18n/react";
import type { FileBody } from "../../matrix/types";
import { Button, Dialog, ErrorState, Loading, Skeleton } from "../../ui";
import { usePicture } from "../people/pictures";
import styles from "./bubble.module.css";

/** A picture as large as the window allows. */
export function PictureDialog({ body, onSave, onClose }: { body: FileBody; onSave: () => void; onClose: () => void }): ReactNode {
  const t = useT();
  const [attempt, setAttempt] = useState(0);
  const picture = usePicture(body.source, attempt);
  return (
    <Dialog
      open
      onClose={onClose}
      title={body.name}
      width="l"
      footer={
        body.source.kind === "local" ? undefined : (
          <Button variant="line" icon={<Download size={18} />} onClick={onSave}>
            {t("timeline:action.save")}
          </Button>
        )
      }
    >
      {picture.status === "ready" ? <img src={picture.url} alt={body.caption ?? body.name} className={styles["large"]} /> : null}
      {picture.status === "loading" ? (
        <Loading label={t("timeline:image.loading")}>
          <Skeleton shape="block" height="50vh" />
        </Loading>
      ) : null}
      {picture.status === "failed" ? (
        <ErrorState message={t(`errors:${picture.failure.kind}`)} onRetry={() => setAttempt(attempt + 1)} />
      ) : null}
    </Dialog>
  );
}
