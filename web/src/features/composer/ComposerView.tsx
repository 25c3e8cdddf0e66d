import { ArrowRight, File as FileIcon, Paperclip, ShieldAlert, X } from "lucide-react";
import { type ClipboardEvent, type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import { formatSize } from "../../i18n/format";
import { useT } from "../../i18n/react";
import type { SendGate } from "../../matrix/types";
import { classes, IconButton, useViewModel } from "../../ui";
import type { ComposerSnapshot, ComposerViewModel, RefusedFile } from "../../viewmodels/ComposerViewModel";
import { useFailureText } from "../failure";
import styles from "./composer.module.css";

/** The text field grows up to this height in pixels, then it scrolls. */
const TALLEST_PX = 220;

/** Properties of {@link ComposerView}. */
export interface ComposerViewProps {
  readonly model: ComposerViewModel;
  /** Who the message goes to: the conversation's name. */
  readonly name: string;
}

/** Where a message is written: Enter sends, Shift+Enter starts a new line. Mount it anew for another conversation. */
export function ComposerView({ model, name }: ComposerViewProps): ReactNode {
  const snapshot = useViewModel(model);
  const { gate } = snapshot;
  const [wasSuspended, setWasSuspended] = useState(false);
  const suspended = gate.state === "suspended";
  if (suspended && !wasSuspended) setWasSuspended(true);
  if (gate.state === "closed" || gate.state === "suspended") return <NoSending gate={gate} />;
  return <Composer model={model} name={name} snapshot={snapshot} resumed={wasSuspended} />;
}

/** Sending is not possible: says so, and why. What was begun to be written is kept. */
function NoSending({ gate }: { gate: Exclude<SendGate, { state: "open" | "checking" }> }): ReactNode {
  const t = useT();
  if (gate.state === "closed") {
    return (
      <div role="status" className={classes(styles["composer"], styles["closed"])}>
        {t(`composer:closed.${gate.reason}`)}
      </div>
    );
  }
  return (
    <div role="status" className={classes(styles["composer"], styles["closed"])}>
      <ShieldAlert size={20} className={styles["closedIcon"]} aria-hidden="true" />
      <div>
        <p className={styles["closedTitle"]}>{t(`composer:suspended.${gate.reason}`)}</p>
        {gate.reason === "identity-changed" ? null : <p>{t(`composer:suspended.${gate.reason}.text`)}</p>}
      </div>
    </div>
  );
}

function Composer({
  model,
  name,
  snapshot,
  resumed,
}: ComposerViewProps & { snapshot: ComposerSnapshot; resumed: boolean }): ReactNode {
  const t = useT();
  const id = useId();
  const { text, attachments, canSend, tooLong } = snapshot;
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);

  // Sending is possible again: whoever pressed the card that is gone now goes on writing.
  useLayoutEffect(() => {
    if (resumed && document.activeElement === document.body) field.current?.focus();
  }, [resumed]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(TALLEST_PX, element.scrollHeight)}px`;
  }, [text]);

  const send = () => {
    void model.send();
    field.current?.focus();
  };
  const take = (files: File[]) => {
    void model.addFiles(files);
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While a letter is being composed (accents, other scripts) Enter belongs to the keyboard.
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    // Office programs put a picture of the text beside the text: whoever copied text wants text.
    if (files.length === 0 || event.clipboardData.getData("text/plain") !== "") return;
    event.preventDefault();
    take(files);
  };

  return (
    <form
      className={styles["composer"]}
      aria-label={t("composer:form")}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Notices model={model} snapshot={snapshot} />
      <Attachments model={model} snapshot={snapshot} />
      <div className={styles["line"]}>
        <IconButton label={t("composer:attach")} icon={<Paperclip size={20} />} onClick={() => chooser.current?.click()} />
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            take([...(event.target.files ?? [])]);
            // The same file may be chosen again after it was taken out.
            event.target.value = "";
          }}
        />
        <textarea
          ref={field}
          className={styles["field"]}
          rows={1}
          value={text}
          aria-label={t("composer:label", { name })}
          aria-describedby={`${id}-hint`}
          aria-invalid={tooLong || undefined}
          placeholder={attachments.length === 1 ? t("composer:caption") : t("composer:label", { name })}
          data-composer=""
          onChange={(event) => model.setText(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => model.leave()}
        />
        <span id={`${id}-hint`} className="visually-hidden">
          {t("composer:hint")}
        </span>
        <IconButton
          type="submit"
          variant="primary"
          label={t("composer:send")}
          icon={<ArrowRight size={20} />}
          aria-disabled={!canSend}
        />
      </div>
    </form>
  );
}

function Notices({ model, snapshot }: { model: ComposerViewModel; snapshot: ComposerSnapshot }): ReactNode {
  const t = useT();
  const { refused, failure, tooLong } = snapshot;
  const reason = useFailureText(failure);
  return (
    <div role="alert" className={styles["notices"]}>
      {tooLong ? <p className={styles["notice"]}>{t("composer:tooLong")}</p> : null}
      {failure || refused.length > 0 ? (
        <div className={styles["notice"]}>
          <div className={styles["noticeWords"]}>
            {failure ? (
              <p>
                <strong>{t("composer:notSent")}</strong> · {reason}
              </p>
            ) : null}
            {refused.map((file, position) => (
              // The list is made anew each time, and names may repeat.
              // biome-ignore lint/suspicious/noArrayIndexKey: see above
              <Refusal key={position} file={file} />
            ))}
          </div>
          <IconButton size="s" label={t("common:action.close")} icon={<X size={16} />} onClick={() => model.dismissNotice()} />
        </div>
      ) : null}
    </div>
  );
}

function Refusal({ file: { name, reason } }: { file: RefusedFile }): ReactNode {
  const t = useT();
  switch (reason.kind) {
    case "too-large":
      return <p>{t("composer:refused.too-large", { name, limit: formatSize(reason.limit) })}</p>;
    case "empty":
      return <p>{t("composer:refused.empty", { name })}</p>;
    case "too-many":
      return <p>{t("composer:refused.too-many", { name, count: reason.most })}</p>;
  }
}

function Attachments({ model, snapshot }: { model: ComposerViewModel; snapshot: ComposerSnapshot }): ReactNode {
  const t = useT();
  if (snapshot.attachments.length === 0) return null;
  return (
    <ul className={styles["attachments"]} aria-label={t("composer:attachments")}>
      {snapshot.attachments.map(({ id, file, previewUrl }) => (
        <li key={id} className={styles["attachment"]}>
          {previewUrl ? (
            <img src={previewUrl} alt="" className={styles["preview"]} />
          ) : (
            <span className={styles["kind"]}>
              <FileIcon size={22} aria-hidden="true" />
            </span>
          )}
          <span className={styles["attachmentWords"]}>
            <span className={styles["attachmentName"]}>{file.name}</span>
            <span className={styles["attachmentSize"]}>{formatSize(file.size)}</span>
          </span>
          <IconButton
            size="s"
            label={t("composer:attachment.remove", { name: file.name })}
            icon={<X size={16} />}
            onClick={() => model.removeAttachment(id)}
          />
        </li>
      ))}
    </ul>
  );
}
