import { createContext, type ReactNode, useContext } from "react";
import type { Session } from "../matrix/api";
import type { Environment } from "../viewmodels/environment";

const EnvironmentContext = createContext<Environment | null>(null);
const SessionContext = createContext<Session | null>(null);

/** Gives the browser to the views below. */
export function EnvironmentProvider({ environment, children }: { environment: Environment; children: ReactNode }): ReactNode {
  return <EnvironmentContext value={environment}>{children}</EnvironmentContext>;
}

/** Gives the open session to the views below; they hand it to their view models and never call it themselves. */
export function SessionProvider({ session, children }: { session: Session; children: ReactNode }): ReactNode {
  return <SessionContext value={session}>{children}</SessionContext>;
}

/** The browser that this view runs in. */
export function useEnvironment(): Environment {
  const environment = useContext(EnvironmentContext);
  if (!environment) throw new Error("a view that needs the environment stands outside EnvironmentProvider");
  return environment;
}

/** The open session, to make view models with. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("a view that needs the session stands outside SessionProvider");
  return session;
}
