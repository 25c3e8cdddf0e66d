import { type ReactNode, useId } from "react";
import { useT } from "../../i18n/react";
import { Button, Dialog, PasswordField, TextField } from "../../ui";
import type { SessionRemoval, SessionRename, SessionsViewModel } from "../../viewmodels/SessionsViewModel";
import { FailureBanner, useFailureText } from "../failure";
import { sessionName } from "./SessionsSettings";
import styles from "./settings.module.css";

/** A new name for a session. */
export function RenameDialog({ renaming, model }: { renaming: SessionRename; model: SessionsViewModel }): ReactNode {
  const t = useT();
  const form = useId();
  return (
    <Dialog
      open
      width="s"
      title={t("settings:sessions.renameTitle")}
      onClose={() => model.cancelRename()}
      footer={
        <>
          <Button variant="line" onClick={() => model.cancelRename()}>
            {t("common:action.cancel")}
          </Button>
          <Button type="submit" form={form} busy={renaming.busy} disabled={renaming.name.trim() === ""}>
            {t("common:action.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          void model.saveName();
        }}
      >
        <TextField
          label={t("settings:sessions.name")}
          autoComplete="off"
          required
          value={renaming.name}
          onChange={(event) => model.setName(event.target.value)}
        />
        <FailureBanner failure={renaming.failure} />
      </form>
    </Dialog>
  );
}

/** Asks before sessions are signed out, and for the password if the server wants it. */
export function RemovalDialog({ removal, model }: { removal: SessionRemoval; model: SessionsViewModel }): ReactNode {
  const t = useT();
  const form = useId();
  const count = removal.devices.length;
  const names = removal.devices.map((device) => sessionName(t, device)).join(", ");
  const aboutPassword = removal.failure?.kind === "wrong-password";
  const error = useFailureText(aboutPassword ? removal.failure : null);
  return (
    <Dialog
      open
      width="s"
      title={t("settings:sessions.removeTitle", { count })}
      description={t("settings:sessions.removeIntro", { count, names })}
      onClose={() => model.cancelRemoval()}
      footer={
        <>
          <Button variant="line" onClick={() => model.cancelRemoval()}>
            {t("common:action.cancel")}
          </Button>
          <Button
            type="submit"
            form={form}
            variant="alarm"
            busy={removal.busy}
            disabled={removal.passwordAsked && removal.password === ""}
          >
            {t("settings:sessions.signOut")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          void model.confirmRemoval();
        }}
      >
        {removal.passwordAsked ? (
          <PasswordField
            label={t("settings:sessions.password")}
            help={t("settings:sessions.passwordIntro")}
            autoComplete="current-password"
            autoFocus
            required
            value={removal.password}
            error={error}
            onChange={(event) => model.setPassword(event.target.value)}
          />
        ) : null}
        {aboutPassword ? null : <FailureBanner failure={removal.failure} />}
      </form>
    </Dialog>
  );
}
