import type { ReactNode } from "react";
import { formatCountdown } from "../../i18n/format";
import { useT } from "../../i18n/react";
import { Button } from "../../ui";

/** The one button of a form: under way, or waiting for the server's limit with the seconds on it. */
export function SubmitButton({
  busy,
  waitSeconds,
  disabled,
  children,
}: {
  busy: boolean;
  waitSeconds: number;
  disabled?: boolean;
  children: ReactNode;
}): ReactNode {
  const t = useT();
  return (
    <Button type="submit" wide busy={busy} disabled={waitSeconds > 0 || disabled === true}>
      {waitSeconds > 0 ? t("auth:wait", { time: formatCountdown(waitSeconds) }) : children}
    </Button>
  );
}
