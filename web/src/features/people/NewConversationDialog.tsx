import { User, Users } from "lucide-react";
import { type ReactNode, useId, useRef } from "react";
import { useT } from "../../i18n/react";
import type { RoomId } from "../../matrix/types";
import { Button, Choice, Dialog, Form, TextField, useOwnViewModel, useViewModel } from "../../ui";
import type { Messenger } from "../../viewmodels/Messenger";
import { LONGEST_GROUP_NAME } from "../../viewmodels/NewConversationViewModel";
import { FailureBanner } from "../failure";
import { PeoplePicker } from "./PeoplePicker";

/** Properties of {@link NewConversationDialog}. */
export interface NewConversationDialogProps {
  readonly messenger: Messenger;
  readonly onClose: () => void;
  /** The conversation that was opened or made. */
  readonly onOpened: (roomId: RoomId) => void;
}

/** Finds a person to write to, or makes a group. It is there as long as it is mounted. */
export function NewConversationDialog({ messenger, onClose, onOpened }: NewConversationDialogProps): ReactNode {
  const t = useT();
  const formId = useId();
  const field = useRef<HTMLInputElement>(null);
  const nameField = useRef<HTMLInputElement>(null);
  const model = useOwnViewModel(() => messenger.newConversation(), [messenger]);
  const { kind, groupName, busy, failure, nameMissing } = useViewModel(model);
  const group = kind === "group";

  const opened = (roomId: RoomId | null) => {
    if (roomId !== null) onOpened(roomId);
  };
  const submit = async () => {
    if (groupName.trim() === "") nameField.current?.focus();
    opened(await model.createGroup());
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={t("people:new.title")}
      initialFocus={field}
      footer={
        group ? (
          <>
            <Button variant="line" onClick={onClose}>
              {t("common:action.cancel")}
            </Button>
            <Button type="submit" form={formId} busy={busy}>
              {t("people:group.create")}
            </Button>
          </>
        ) : undefined
      }
    >
      <Choice
        legend={t("people:new.kind")}
        value={kind}
        options={[
          { value: "person", label: t("people:new.person"), icon: <User size={18} /> },
          { value: "group", label: t("people:new.group"), icon: <Users size={18} /> },
        ]}
        onChange={(next) => model.setKind(next)}
      />
      {failure ? <FailureBanner failure={failure} /> : null}
      <Form id={formId} onSubmit={() => void submit()}>
        {group ? (
          <TextField
            ref={nameField}
            label={t("people:group.name")}
            value={groupName}
            maxLength={LONGEST_GROUP_NAME}
            autoComplete="off"
            error={nameMissing ? t("people:group.nameMissing") : null}
            onChange={(event) => model.setGroupName(event.target.value)}
          />
        ) : null}
        <PeoplePicker
          key={kind}
          model={model.search}
          label={group ? t("people:search.add") : t("people:search.label")}
          several={group}
          busy={busy}
          fieldRef={field}
          onChoose={async (person) => {
            if (group) model.search.pick(person);
            else opened(await model.start(person));
          }}
        />
      </Form>
    </Dialog>
  );
}
