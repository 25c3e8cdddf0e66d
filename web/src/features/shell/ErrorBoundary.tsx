import { Component, type ReactNode } from "react";
import { t } from "../../i18n";
import { Button, EmptyState } from "../../ui";

/** Keeps a mistake in one part of the page from taking the rest with it, and offers a way on. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <main role="alert" id="main">
        <EmptyState
          title={t("shell:crash.title")}
          action={<Button onClick={() => window.location.reload()}>{t("shell:crash.reload")}</Button>}
        >
          {t("shell:crash.message")}
        </EmptyState>
      </main>
    );
  }
}
