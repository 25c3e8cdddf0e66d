import { type ReactNode, useEffect, useMemo } from "react";
import { Redirect, Route, Switch } from "wouter";
import { PasswordResetView } from "../features/auth/PasswordResetView";
import { SignInView } from "../features/auth/SignInView";
import { SignUpView } from "../features/auth/SignUpView";
import { useEnvironment } from "../features/context";
import { currentLanguage } from "../i18n";
import type { SignedOutReason } from "../matrix/api";
import { useOwnViewModel } from "../ui";
import type { BootViewModel } from "../viewmodels/BootViewModel";
import { deviceName } from "../viewmodels/deviceName";
import { takeLoginToken } from "../viewmodels/loginToken";
import { PasswordResetViewModel } from "../viewmodels/PasswordResetViewModel";
import { type AccountOptions, SignInViewModel } from "../viewmodels/SignInViewModel";
import { SignUpViewModel } from "../viewmodels/SignUpViewModel";

/** Sign-in, sign-up, forgotten password. */
export function SignedOutPages({ boot, reason }: { boot: BootViewModel; reason: SignedOutReason | null }): ReactNode {
  const environment = useEnvironment();
  const options = useMemo<AccountOptions>(
    () => ({
      environment,
      // The page and the client API are one server's: the policy allows no other.
      baseUrl: window.location.origin,
      deviceName: deviceName(navigator.userAgent),
      onSignedIn: (credentials, password) => boot.signedIn(credentials, password),
    }),
    [environment, boot],
  );
  const preload = useMemo(() => () => boot.preload(), [boot]);
  return (
    <Switch>
      <Route path="/sign-in">
        <SignInPage options={options} reason={reason} onPreload={preload} />
      </Route>
      <Route path="/sign-up">
        <SignUpPage options={options} onPreload={preload} />
      </Route>
      <Route path="/reset-password">
        <PasswordResetPage options={options} />
      </Route>
      <Route>
        <Redirect to="/sign-in" replace />
      </Route>
    </Switch>
  );
}

function SignInPage({
  options,
  reason,
  onPreload,
}: {
  options: AccountOptions;
  reason: SignedOutReason | null;
  onPreload: () => void;
}): ReactNode {
  const model = useOwnViewModel(() => new SignInViewModel(options), [options]);
  useEffect(() => void model.begin(takeLoginToken()), [model]);
  return <SignInView model={model} reason={reason} onPreload={onPreload} />;
}

function SignUpPage({ options, onPreload }: { options: AccountOptions; onPreload: () => void }): ReactNode {
  const model = useOwnViewModel(() => new SignUpViewModel({ ...options, language: currentLanguage() }), [options]);
  return <SignUpView model={model} onPreload={onPreload} />;
}

function PasswordResetPage({ options }: { options: AccountOptions }): ReactNode {
  const model = useOwnViewModel(() => new PasswordResetViewModel(options), [options]);
  return <PasswordResetView model={model} />;
}
