import type { ReactNode } from "react";
import { useT } from "../i18n/react";

/** The whole client. */
export function App(): ReactNode {
  const t = useT();
  return <main>{t("common:app.name")}</main>;
}
