import { type ReactNode, useState } from "react";
import { useT } from "../../i18n/react";
import type { FailureInfo } from "../../matrix/errors";
import { Banner, Button, PasswordField } from "../../ui";
import { FailureBanner, useFailureText } from "../failure";
import styles from "./first-run.module.css";

/** Says what starting over costs, and starts over only after that was ticked and the password given. */
export function ResetForm({
  busy,
  failure,
  onSubmit,
  onCancel,
}: {
  busy: boolean;
  failure: FailureInfo | null;
  onSubmit: (password: string) => void;
  onCancel: (() => void) | undefined;
}): ReactNode {
  const t = useT();
  const [understood, setUnderstood] = useState(false);
  const [password, setPassword] = useState("");
  const aboutPassword = failure?.kind === "wrong-password";
  const error = useFailureText(aboutPassword ? failure : null);
  return (
    <>
      <p>{t("first-run:reset.intro")}</p>
      <Banner tone="alarm">
        <ul className={styles["losses"]}>
          <li>{t("first-run:reset.loss1")}</li>
          <li>{t("first-run:reset.loss2")}</li>
          <li>{t("first-run:reset.loss3")}</li>
        </ul>
      </Banner>
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          if (understood) onSubmit(password);
        }}
      >
        <label className={styles["check"]}>
          <input type="checkbox" checked={understood} onChange={(event) => setUnderstood(event.target.checked)} />
          {t("first-run:reset.understood")}
        </label>
        <PasswordField
          label={t("first-run:reset.password")}
          autoComplete="current-password"
          required
          value={password}
          error={error}
          onChange={(event) => setPassword(event.target.value)}
        />
        {aboutPassword ? null : <FailureBanner failure={failure} />}
        <Button type="submit" variant="alarm" wide busy={busy} disabled={!understood || password === ""}>
          {t("first-run:reset.submit")}
        </Button>
        {onCancel ? (
          <Button variant="line" wide onClick={onCancel}>
            {t("first-run:reset.cancel")}
          </Button>
        ) : null}
      </form>
    </>
  );
}
