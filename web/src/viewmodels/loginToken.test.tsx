import { afterEach, describe, expect, it } from "vitest";
import { expectLoginToken, takeLoginToken } from "./loginToken";

afterEach(() => {
  sessionStorage.clear();
  window.history.replaceState(null, "", "/");
});

/** This tab is at the page with which a sign-in elsewhere comes back. */
function comeBack(query: string): void {
  window.history.replaceState(null, "", `/sign-in?${query}`);
}

describe("coming back from a sign-in elsewhere", () => {
  it("takes the token once and out of the address", () => {
    const mark = expectLoginToken();
    comeBack(`state=${mark}&loginToken=pli_lt_1`);
    expect(takeLoginToken()).toBe("pli_lt_1");
    expect(window.location.search).toBe("");
    // The same address again, as from the history.
    comeBack(`state=${mark}&loginToken=pli_lt_1`);
    expect(takeLoginToken()).toBeNull();
  });

  it("signs nobody in with a token that somebody else sent them", () => {
    comeBack("loginToken=pli_lt_theirs");
    expect(takeLoginToken()).toBeNull();
    expect(window.location.search).toBe("");
    comeBack("state=&loginToken=pli_lt_theirs");
    expect(takeLoginToken()).toBeNull();
    expectLoginToken();
    comeBack("state=guessed&loginToken=pli_lt_theirs");
    expect(takeLoginToken()).toBeNull();
  });
});
