/**
 * The token with which a sign-in elsewhere came back to this page, once: it is taken out of the address, so that it is
 * neither kept in the history nor sent on.
 */
export function takeLoginToken(): string | null {
  const url = new URL(window.location.href);
  const loginToken = url.searchParams.get("loginToken");
  if (loginToken === null) return null;
  url.searchParams.delete("loginToken");
  window.history.replaceState(window.history.state, "", url);
  return loginToken;
}
