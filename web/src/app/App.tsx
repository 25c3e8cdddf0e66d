import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { lazy, type ReactNode, Suspense } from "react";
import { EnvironmentProvider } from "../features/context";
import { CheckingView } from "../features/first-run/GateView";
import { BootFailedView, ElsewhereView } from "../features/shell/BootViews";
import { ErrorBoundary } from "../features/shell/ErrorBoundary";
import { Toasts, useViewModel } from "../ui";
import type { BootViewModel } from "../viewmodels/BootViewModel";
import type { Environment } from "../viewmodels/environment";
import type { ThemeSetting } from "../viewmodels/preferences";
import { SignedOutPages } from "./SignedOutPages";

// Not needed to sign in: fetched once there is a session.
const SessionPages = lazy(() => import("./SessionPages"));

/** What lives as long as the page. */
export interface AppProps {
  readonly environment: Environment;
  readonly boot: BootViewModel;
  readonly theme: ThemeSetting;
}

/** The whole client. */
export function App({ environment, boot, theme }: AppProps): ReactNode {
  return (
    // The content security policy allows no <style> elements: Pli's own sheets carry everything.
    <CSPProvider disableStyleElements>
      <EnvironmentProvider environment={environment}>
        <Tooltip.Provider delay={500}>
          <Toasts>
            <ErrorBoundary>
              <Phase boot={boot} theme={theme} />
            </ErrorBoundary>
          </Toasts>
        </Tooltip.Provider>
      </EnvironmentProvider>
    </CSPProvider>
  );
}

function Phase({ boot, theme }: { boot: BootViewModel; theme: ThemeSetting }): ReactNode {
  const snapshot = useViewModel(boot);
  switch (snapshot.phase) {
    case "starting":
      return <CheckingView />;
    case "signed-out":
      return <SignedOutPages boot={boot} reason={snapshot.reason} />;
    case "open-elsewhere":
      return <ElsewhereView onHere={() => void boot.takeOver()} />;
    case "failed":
      return (
        <BootFailedView failure={snapshot.failure} onRetry={() => void boot.retry()} onSignOut={() => void boot.signOut()} />
      );
    case "open":
      return (
        <Suspense fallback={<CheckingView />}>
          <SessionPages session={snapshot.session} boot={boot} theme={theme} />
        </Suspense>
      );
  }
}
