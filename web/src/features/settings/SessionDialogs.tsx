import type { ReactNode } from "react";
import { useT } from "../../i18n/react";
import { FormDialog, PasswordField, TextField } from "../../ui";
import type { SessionRemoval, SessionRename, SessionsViewModel } from "../../viewmodels/SessionsViewModel";
import { FailureBanner, useFailureText } from "../failure";
import { sessionName } from "./SessionsSettings";

/** A new name for a session. */
export function RenameDialog({ renaming, model }: { renaming: SessionRename; model: SessionsViewModel }): ReactNode {
  const t = useT();
  return (
    <FormDialog
      width="s"
      title={t("settings:sessions.renameTitle")}
      submitLabel={t("common:action.save")}
      busy={renaming.busy}
      disabled={renaming.name.trim() === ""}
      onClose={() => model.cancelRename()}
      onSubmit={() => void model.saveName()}
    >
      <TextField
        label={t("settings:sessions.name")}
        autoComplete="off"
        required
        value={renaming.name}
        onChange={(event) => model.setName(event.target.value)}
      />
      <FailureBanner failure={renaming.failure} />
    </FormDialog>
  );
}

/** Asks before sessions are signed out, and for the password if the server wants it. */
export function RemovalDialog({ removal, model }: { removal: SessionRemoval; model: SessionsViewModel }): ReactNode {
  const t = useT();
  const count = removal.devices.length;
  const names = removal.devices.map((device) => sessionName(t, device)).join(", ");
  const aboutPassword = removal.failure?.kind === "wrong-password";
  const error = useFailureText(aboutPassword ? removal.failure : null);
  return (
    <FormDialog
      width="s"
      title={t("settings:sessions.removeTitle", { count })}
      description={t("settings:sessions.removeIntro", { count, names })}
      submitLabel={t("settings:sessions.signOut")}
      variant="alarm"
      busy={removal.busy}
      disabled={removal.passwordAsked && removal.password === ""}
      onClose={() => model.cancelRemoval()}
      onSubmit={() => void model.confirmRemoval()}
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
    </FormDialog>
  );
}
