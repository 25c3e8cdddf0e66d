import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { Button, showToast, TextField, useOwnViewModel, useViewModel } from "../../ui";
import { ProfileViewModel } from "../../viewmodels/ProfileViewModel";
import { useSession } from "../context";
import { FailureBanner } from "../failure";
import { PersonAvatar } from "../people/pictures";
import styles from "./settings.module.css";

/** My name, as others see it. */
export function ProfileSettings(): ReactNode {
  const t = useT();
  const session = useSession();
  const model = useOwnViewModel(() => new ProfileViewModel(session), [session]);
  const { me, name, changed, savingName, failure } = useViewModel(model);
  return (
    <>
      <h2 className={styles["title"]}>{t("settings:profile.title")}</h2>
      <div className={styles["me"]}>
        <PersonAvatar person={me} size={72} />
        <strong>{me.displayName}</strong>
      </div>
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          void model.saveName().then(() => {
            const after = model.getSnapshot();
            if (!after.failure && !after.changed) showToast({ title: t("settings:profile.saved") });
          });
        }}
      >
        <TextField
          label={t("settings:profile.name")}
          help={t("settings:profile.help")}
          autoComplete="name"
          required
          value={name}
          onChange={(event) => model.setName(event.target.value)}
        />
        <FailureBanner failure={failure} />
        <div>
          <Button type="submit" busy={savingName} disabled={!changed && !savingName}>
            {t("common:action.save")}
          </Button>
        </div>
      </form>
    </>
  );
}
