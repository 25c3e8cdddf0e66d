import { type ReactNode, useEffect } from "react";
import { Redirect, Route, Switch, useLocation, useRoute } from "wouter";
import { SessionProvider, useEnvironment } from "../features/context";
import { ConfirmationDialog } from "../features/first-run/ConfirmationDialog";
import { GateView } from "../features/first-run/GateView";
import { PicturesProvider } from "../features/people/pictures";
import { ConversationsScreen } from "../features/room-list/ConversationsScreen";
import { SettingsView } from "../features/settings/SettingsView";
import { SignOutDialog } from "../features/settings/SignOutDialog";
import { isSettingsSection } from "../features/settings/sections";
import { ErrorBoundary } from "../features/shell/ErrorBoundary";
import { type Place, ShellView } from "../features/shell/ShellView";
import { IncomingVerification } from "../features/verification/IncomingVerification";
import { VerificationDialog } from "../features/verification/VerificationDialog";
import { currentLanguage } from "../i18n";
import { useT } from "../i18n/react";
import type { Session } from "../matrix/api";
import { useOwnViewModel } from "../ui";
import type { BootViewModel } from "../viewmodels/BootViewModel";
import { ConfirmationViewModel } from "../viewmodels/ConfirmationViewModel";
import { GateViewModel } from "../viewmodels/GateViewModel";
import { Messenger } from "../viewmodels/Messenger";
import type { ThemeSetting } from "../viewmodels/preferences";
import { ShellViewModel } from "../viewmodels/ShellViewModel";
import { SignOutViewModel } from "../viewmodels/SignOutViewModel";
import { VerificationViewModel } from "../viewmodels/VerificationViewModel";

/** Everything behind the sign-in: first run or recovery, then the conversations and the settings. */
export default function SessionPages({
  session,
  boot,
  theme,
}: {
  session: Session;
  boot: BootViewModel;
  theme: ThemeSetting;
}): ReactNode {
  const environment = useEnvironment();
  const [, navigate] = useLocation();
  const gate = useOwnViewModel(
    () =>
      new GateViewModel({
        session,
        environment,
        language: currentLanguage,
        takePassword: () => boot.takePassword(),
        random: Math.random,
      }),
    [session, environment, boot],
  );
  const messenger = useOwnViewModel(() => new Messenger(session, environment), [session, environment]);
  const verification = useOwnViewModel(() => new VerificationViewModel(session.verification), [session]);
  const confirmation = useOwnViewModel(() => new ConfirmationViewModel(session, environment), [session, environment]);
  const signOut = useOwnViewModel(
    () => new SignOutViewModel(session, environment, () => boot.signOut()),
    [session, environment, boot],
  );
  return (
    <SessionProvider session={session}>
      <PicturesProvider pictures={messenger.pictures}>
        <GateView model={gate} onOtherDevice={() => void verification.requestEntry()} onSignOut={() => void boot.signOut()}>
          <Places session={session} messenger={messenger} verification={verification} signOut={signOut} theme={theme} />
          <IncomingVerification model={verification} />
          <SignOutDialog model={signOut} onMakeCode={() => navigate("/settings/security")} />
        </GateView>
        <VerificationDialog model={verification} />
        <ConfirmationDialog model={confirmation} />
      </PicturesProvider>
    </SessionProvider>
  );
}

interface PlacesProps {
  readonly session: Session;
  readonly messenger: Messenger;
  readonly verification: VerificationViewModel;
  readonly signOut: SignOutViewModel;
  readonly theme: ThemeSetting;
}

const conversationPath = (roomId: string): string => `/c/${encodeURIComponent(roomId)}`;

function decoded(part: string | undefined): string | null {
  if (part === undefined) return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function Places({ session, messenger, verification, signOut, theme }: PlacesProps): ReactNode {
  const t = useT();
  const environment = useEnvironment();
  const [location, navigate] = useLocation();
  const [, conversation] = useRoute("/c/:roomId");
  const roomId = decoded(conversation?.roomId);
  const place: Place = location.startsWith("/settings") ? "settings" : "conversations";
  const shell = useOwnViewModel(() => new ShellViewModel(session, environment), [session, environment]);
  const settingsTitle = t("settings:title");
  useEffect(() => {
    shell.setPlace(roomId, place === "settings" ? settingsTitle : null);
  }, [shell, roomId, place, settingsTitle]);
  return (
    <ShellView model={shell} place={place} barHidden={roomId !== null} onOpenSecurity={() => navigate("/settings/security")}>
      <ErrorBoundary key={place}>
        <Switch>
          <Route path="/settings/:section?">
            {({ section }) =>
              section !== undefined && !isSettingsSection(section) ? (
                <Redirect to="/settings" replace />
              ) : (
                <SettingsView
                  section={section ?? null}
                  messenger={messenger}
                  theme={theme}
                  onBack={() => navigate("/settings")}
                  onSignOut={() => void signOut.open()}
                  onVerifyDevice={(deviceId) => void verification.requestOwn(deviceId)}
                />
              )
            }
          </Route>
          <Route path="/c/:roomId">
            <Conversations messenger={messenger} verification={verification} roomId={roomId} />
          </Route>
          <Route path="/">
            <Conversations messenger={messenger} verification={verification} roomId={null} />
          </Route>
          <Route>
            <Redirect to="/" replace />
          </Route>
        </Switch>
      </ErrorBoundary>
    </ShellView>
  );
}

function Conversations({
  messenger,
  verification,
  roomId,
}: {
  messenger: Messenger;
  verification: VerificationViewModel;
  roomId: string | null;
}): ReactNode {
  const [, navigate] = useLocation();
  return (
    <ConversationsScreen
      messenger={messenger}
      roomId={roomId}
      onNavigate={(next: string | null) => navigate(next === null ? "/" : conversationPath(next))}
      onVerifyPerson={(userId: string) => void verification.requestPerson(userId)}
    />
  );
}
