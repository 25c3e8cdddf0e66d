/** Where this tab keeps the mark of the sign-in elsewhere that it left for. */
const markKey = "pli.signInElsewhere";

/**
 * Notes that this tab leaves to sign in elsewhere: a mark that the address has to carry with which it comes back
 * (`state`). Without it, whoever has somebody open a link with a login token of their own would have them write into
 * another person's account.
 */
export function expectLoginToken(): string {
  const mark = crypto.randomUUID();
  sessionStorage.setItem(markKey, mark);
  return mark;
}

/**
 * The token with which a sign-in elsewhere came back to this page, once: it is taken out of the address, so that it is
 * neither kept in the history nor sent on. Null unless this tab left for that sign-in.
 */
export function takeLoginToken(): string | null {
  const url = new URL(window.location.href);
  const loginToken = url.searchParams.get("loginToken");
  if (loginToken === null) return null;
  const mark = url.searchParams.get("state");
  url.searchParams.delete("loginToken");
  url.searchParams.delete("state");
  window.history.replaceState(window.history.state, "", url);
  const expected = sessionStorage.getItem(markKey);
  sessionStorage.removeItem(markKey);
  return expected !== null && mark === expected ? loginToken : null;
}
