import { type ReactNode, useRef, useState } from "react";
import { useT } from "../../i18n/react";
import { FormDialog, TextField, useViewModel } from "../../ui";
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
  const field = useRef<HTMLInputElement>(null);
  const { managing, manageFailure } = useViewModel(model);
  const failure = useFailureText(manageFailure);
  const [text, setText] = useState(name);
  const [missing, setMissing] = useState(false);

  const close = () => {
    model.dismissManageFailure();
    onClose();
  };
  const submit = async () => {
    if (text.trim() === "") {
      setMissing(true);
      field.current?.focus();
    } else if (await model.rename(text)) close();
  };
  return (
    <FormDialog
      title={t("people:details.rename")}
      width="s"
      initialFocus={field}
      submitLabel={t("common:action.save")}
      busy={managing}
      onClose={close}
      onSubmit={() => void submit()}
    >
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
    </FormDialog>
  );
}
