import { type ReactNode, useRef } from "react";
import { useT } from "../../i18n/react";
import { Button, Form, showToast, TextField, useOwnViewModel, useViewModel } from "../../ui";
import { ProfileViewModel } from "../../viewmodels/ProfileViewModel";
import { useSession } from "../context";
import { FailureBanner } from "../failure";
import { PersonAvatar } from "../people/pictures";
import styles from "./settings.module.css";

/** My name and my picture, as others see them. */
export function ProfileSettings(): ReactNode {
  const t = useT();
  const session = useSession();
  const model = useOwnViewModel(() => new ProfileViewModel(session), [session]);
  const { me, name, changed, savingName, savingPicture, failure } = useViewModel(model);
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <>
      <h2 className={styles["title"]}>{t("settings:profile.title")}</h2>
      <div className={styles["me"]}>
        <PersonAvatar person={me} size={96} />
        <div className={styles["meWords"]}>
          <strong>{me.displayName}</strong>
          <div className={styles["picture"]}>
            <Button variant="line" size="s" busy={savingPicture} onClick={() => chooser.current?.click()}>
              {t(me.avatar ? "settings:profile.changePicture" : "settings:profile.choosePicture")}
            </Button>
            {me.avatar && !savingPicture ? (
              <Button variant="ghost" size="s" onClick={() => void model.savePicture(null)}>
                {t("settings:profile.removePicture")}
              </Button>
            ) : null}
            <input
              ref={chooser}
              type="file"
              accept="image/*"
              hidden
              onChange={(event) => {
                const [picture] = event.target.files ?? [];
                if (picture) void model.savePicture(picture);
                // The same file may be chosen again after it was removed.
                event.target.value = "";
              }}
            />
          </div>
          <p className={styles["small"]}>{t("settings:profile.pictureHelp")}</p>
        </div>
      </div>
      <Form
        onSubmit={() => {
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
      </Form>
    </>
  );
}
