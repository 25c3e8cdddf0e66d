import type { ReactNode } from "react";
import { setLanguage } from "../../i18n";
import { useLanguage, useT } from "../../i18n/react";
import { CardPage, TextButton } from "../../ui";
import { rememberLanguage } from "../../viewmodels/preferences";
import { useEnvironment } from "../context";

/** A page before sign-in: the card, and the switch to the other language under it. */
export function AuthPage({ title, children }: { title: string; children: ReactNode }): ReactNode {
  const t = useT();
  const language = useLanguage();
  const environment = useEnvironment();
  const other = language === "fr" ? "en" : "fr";
  return (
    <CardPage
      title={title}
      footer={
        <TextButton
          lang={other}
          onClick={() => {
            rememberLanguage(environment, other);
            setLanguage(other);
          }}
        >
          {t("auth:footer.language")}
        </TextButton>
      }
    >
      {children}
    </CardPage>
  );
}
