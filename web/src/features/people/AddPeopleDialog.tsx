import { type ReactNode, useRef } from "react";
import { useT } from "../../i18n/react";
import type { RoomId } from "../../matrix/types";
import { FormDialog, useOwnViewModel, useViewModel } from "../../ui";
import type { Messenger } from "../../viewmodels/Messenger";
import { FailureBanner } from "../failure";
import { PeoplePicker } from "./PeoplePicker";
import styles from "./people.module.css";

/** Properties of {@link AddPeopleDialog}. */
export interface AddPeopleDialogProps {
  readonly messenger: Messenger;
  readonly roomId: RoomId;
  readonly onClose: () => void;
}

/** Adds people to a group. It is there as long as it is mounted. */
export function AddPeopleDialog({ messenger, roomId, onClose }: AddPeopleDialogProps): ReactNode {
  const t = useT();
  const field = useRef<HTMLInputElement>(null);
  const model = useOwnViewModel(() => messenger.addPeople(roomId), [messenger, roomId]);
  const { busy, failure, refused } = useViewModel(model);
  const { picked } = useViewModel(model.search);

  const submit = async () => {
    if (await model.submit()) onClose();
  };

  return (
    <FormDialog
      title={t("people:add.title")}
      initialFocus={field}
      submitLabel={t("people:add.submit", { count: picked.length })}
      busy={busy}
      disabled={picked.length === 0}
      onClose={onClose}
      onSubmit={() => void submit()}
      before={
        <>
          {failure ? <FailureBanner failure={failure} /> : null}
          {refused.length > 0 ? (
            <ul role="alert" className={styles["refused"]}>
              {refused.map(({ person, failure: reason }) => (
                <li key={person.userId}>
                  {t("people:add.refused", { name: person.displayName, reason: t(`errors:${reason.kind}`) })}
                </li>
              ))}
            </ul>
          ) : null}
        </>
      }
    >
      <PeoplePicker
        model={model.search}
        label={t("people:search.add")}
        several
        busy={busy}
        fieldRef={field}
        onChoose={(person) => model.search.pick(person)}
      />
    </FormDialog>
  );
}
