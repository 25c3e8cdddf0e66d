import { type FormEvent, type ReactNode, useId, useRef, useState } from "react";
import { useT } from "../../i18n/react";
import { Button, Dialog, TextField, useViewModel } from "../../ui";
import type { ConversationViewModel } from "../../viewmodels/ConversationViewModel";
import { LONGEST_GROUP_NAME } from "../../viewmodels/NewConversationViewModel";
import { useFailureText } from "../failure";

/** Gives a group another name. It is there as long as it is mounted. */
export function RenameDialog({
  model,
  name,
  onClose,
}: {
  model: ConversationViewModel;
  name: string;
  onClose: () => void;
}): ReactNode {
  const t = useT();
  const formId = useId();
  const field = useRef<HTMLInputElement>(null);
  const { managing, manageFailure } = useViewModel(model);
  const failure = useFailureText(manageFailure);
  const [text, setText] = useState(name);
  const [missing, setMissing] = useState(false);

  const close = () => {
    model.dismissManageFailure();
    onClose();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") {
      setMissing(true);
      field.current?.focus();
    } else if (await model.rename(text)) close();
  };
  return (
    <Dialog
      open
      onClose={close}
      title={t("people:details.rename")}
      width="s"
      initialFocus={field}
      footer={
        <>
          <Button variant="line" onClick={close}>
            {t("common:action.cancel")}
          </Button>
          <Button type="submit" form={formId} busy={managing}>
            {t("common:action.save")}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={submit}>
        <TextField
          ref={field}
          label={t("people:group.name")}
          value={text}
          maxLength={LONGEST_GROUP_NAME}
          autoComplete="off"
          error={missing ? t("people:group.nameMissing") : failure}
          onChange={(event) => {
            setMissing(false);
            setText(event.target.value);
          }}
        />
      </form>
    </Dialog>
  );
}
