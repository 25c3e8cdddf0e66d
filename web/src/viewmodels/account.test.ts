import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Credentials } from "../matrix/types";
import { PasswordResetViewModel } from "./PasswordResetViewModel";
import { type AccountOptions, SignInViewModel } from "./SignInViewModel";
import { resendAfterSeconds, SignUpViewModel } from "./SignUpViewModel";
import { TestWorld } from "./testing";
import { TestServer } from "./testingServer";

const email = "lea.dubois@interieur.example";
const password = "quatre tasses de rosée";

let server: TestServer;
let world: TestWorld;
let options: AccountOptions;
let signedIn: Array<{ credentials: Credentials; password: string }>;

beforeEach(async () => {
  server = new TestServer();
  world = new TestWorld();
  signedIn = [];
  options = {
    environment: world,
    baseUrl: await server.start(),
    deviceName: "Firefox, Linux",
    onSignedIn: async (credentials, typed) => {
      signedIn.push({ credentials, password: typed });
    },
  };
});

afterEach(() => server.stop());

function signUp(): SignUpViewModel {
  const model = new SignUpViewModel({ ...options, language: "fr" });
  model.setEmail(email);
  return model;
}

describe("signing up", () => {
  it("asks the address, the mailed code and a password, in that order, and opens the session", async () => {
    const model = signUp();
    await model.submitEmail();
    expect(model.getSnapshot()).toMatchObject({ question: "code", email, resendSeconds: resendAfterSeconds });
    expect(server.mailed).toEqual([email]);
    model.setCode(server.code);
    await model.submitCode();
    expect(model.getSnapshot().question).toBe("password");
    model.setPassword(password);
    await model.submitPassword();
    expect(model.getSnapshot().question).toBe("done");
    expect(signedIn).toEqual([{ credentials: expect.objectContaining({ accessToken: "T" }), password }]);
    expect(server.accounts.get(email)).toBe(password);
  });

  it("empties a wrong code and says so, and the right one still works", async () => {
    const model = signUp();
    await model.submitEmail();
    model.setCode("000000");
    await model.submitCode();
    expect(model.getSnapshot()).toMatchObject({ question: "code", code: "", failure: { kind: "code-wrong" } });
    model.setCode(server.code);
    await model.submitCode();
    expect(model.getSnapshot()).toMatchObject({ question: "password", failure: null });
  });

  it("lets another mail be asked for only after a while, so that a server is not made to flood a mailbox", async () => {
    const model = signUp();
    await model.submitEmail();
    await model.resendMail();
    expect(server.mailed).toHaveLength(1);
    await world.pass(resendAfterSeconds * 1000);
    expect(model.getSnapshot().resendSeconds).toBe(0);
    await model.resendMail();
    expect(server.mailed).toHaveLength(2);
    expect(model.getSnapshot()).toMatchObject({ resent: true, resendSeconds: resendAfterSeconds });
  });

  it("goes on by itself when the mailed link was opened, as the page behind it promises", async () => {
    const model = signUp();
    await model.submitEmail();
    world.attention.set(false);
    world.attention.set(true);
    await vi.waitFor(() => expect(server.requests.filter((request) => request === "POST /register")).toHaveLength(2));
    expect(model.getSnapshot()).toMatchObject({ question: "code", failure: null });
    server.openLink(email);
    world.attention.set(false);
    world.attention.set(true);
    await vi.waitFor(() => expect(model.getSnapshot().question).toBe("password"));
    model.setPassword(password);
    await model.submitPassword();
    expect(signedIn).toHaveLength(1);
  });

  it("tells at once that an address may not open an account here", async () => {
    const model = signUp();
    model.setEmail("lea@ailleurs.example");
    await model.submitEmail();
    expect(model.getSnapshot()).toMatchObject({ question: "email", busy: false, failure: { kind: "email-not-allowed" } });
    model.setEmail(email);
    expect(model.getSnapshot().failure).toBeNull();
  });

  it("asks for an invitation where the server wants one, and comes back to it if it is wrong", async () => {
    server.mode = "token";
    const model = signUp();
    await model.submitEmail();
    expect(model.getSnapshot().question).toBe("token");
    model.setToken("wrong");
    await model.submitToken();
    model.setPassword(password);
    await model.submitPassword();
    expect(model.getSnapshot()).toMatchObject({ question: "token", token: "", failure: { kind: "token-wrong" } });
    model.setToken(server.invitation);
    await model.submitToken();
    expect(signedIn).toHaveLength(1);
  });

  it("asks for nothing but a password where the server is open, and says so where it is closed", async () => {
    server.mode = "open";
    const model = signUp();
    await model.submitEmail();
    model.setPassword(password);
    await model.submitPassword();
    expect(signedIn).toHaveLength(1);
    server.mode = "closed";
    const other = signUp();
    await other.submitEmail();
    expect(other.getSnapshot().failure?.kind).toBe("registration-closed");
  });

  it("keeps the code when the server finds the password weak", async () => {
    server.weak = password;
    const model = signUp();
    await model.submitEmail();
    model.setCode(server.code);
    await model.submitCode();
    model.setPassword(password);
    await model.submitPassword();
    expect(model.getSnapshot()).toMatchObject({ question: "password", failure: { kind: "password-weak" } });
    model.setPassword(`${password} encore`);
    await model.submitPassword();
    expect(signedIn).toHaveLength(1);
  });
});

describe("signing in", () => {
  function signIn(typed: string): SignInViewModel {
    const model = new SignInViewModel(options);
    model.setEmail(email);
    model.setPassword(typed);
    return model;
  }

  it("opens the session with the address and the password", async () => {
    server.accounts.set(email, password);
    await signIn(password).submit();
    expect(signedIn).toHaveLength(1);
  });

  it("offers the services elsewhere that the server names, and leads there and back", async () => {
    server.providers = [{ id: "agents", name: "AgentConnexion" }, { id: 7 }];
    const model = new SignInViewModel(options);
    await model.begin(null);
    const { providers } = model.getSnapshot();
    expect(providers).toEqual([{ id: "agents", name: "AgentConnexion" }]);
    const address = new URL(model.addressOf({ id: "agents", name: "AgentConnexion" }, "a mark"));
    expect(address.pathname).toBe("/_matrix/client/v3/login/sso/redirect/agents");
    expect(address.searchParams.get("redirectUrl")).toBe(`${options.baseUrl}/sign-in?state=a+mark`);
  });

  it("ends a sign-in elsewhere with its token, which is no password", async () => {
    server.loginToken = "pli_lt_1";
    await new SignInViewModel(options).begin("pli_lt_1");
    expect(signedIn).toEqual([{ credentials: expect.objectContaining({ accessToken: "T" }), password: "" }]);
  });

  it("says to sign in again when the token is too old, and shows how", async () => {
    server.providers = [{ id: "agents", name: "AgentConnexion" }];
    const model = new SignInViewModel(options);
    await model.begin("pli_lt_old");
    expect(model.getSnapshot()).toMatchObject({ busy: false, failure: { kind: "signed-out" }, providers: [{ id: "agents" }] });
    expect(signedIn).toHaveLength(0);
  });

  it("keeps the address and empties the password when they do not fit", async () => {
    const model = signIn("autre chose");
    await model.submit();
    expect(model.getSnapshot()).toMatchObject({ email, password: "", busy: false, failure: { kind: "wrong-credentials" } });
  });

  it("counts the seconds of a rate limit down and sends nothing meanwhile", async () => {
    server.accounts.set(email, password);
    server.limitNextFor = 3000;
    const model = signIn(password);
    await model.submit();
    expect(model.getSnapshot()).toMatchObject({ waitSeconds: 3, failure: { kind: "rate-limited" } });
    await model.submit();
    expect(server.requests).toHaveLength(1);
    await world.pass(1000);
    expect(model.getSnapshot().waitSeconds).toBe(2);
    await world.pass(2000);
    expect(model.getSnapshot()).toMatchObject({ waitSeconds: 0, failure: null });
    await model.submit();
    expect(signedIn).toHaveLength(1);
  });

  it("says that the server does not answer, and can be tried again", async () => {
    await server.stop();
    const model = signIn(password);
    await model.submit();
    expect(model.getSnapshot()).toMatchObject({ busy: false, password, failure: { kind: "network" } });
  });

  it("leaves no timer behind", async () => {
    server.limitNextFor = 60_000;
    const model = signIn(password);
    await model.submit();
    model.dispose();
    expect(world.timerCount).toBe(0);
  });
});

describe("a forgotten password", () => {
  it("is replaced after the mailed code, and the person is signed in with the new one", async () => {
    server.accounts.set(email, "l’ancien mot de passe");
    const model = new PasswordResetViewModel(options, email);
    await model.submitEmail();
    model.setCode("111111");
    await model.submitCode();
    expect(model.getSnapshot()).toMatchObject({ question: "code", failure: { kind: "code-wrong" } });
    model.setCode(server.code);
    await model.submitCode();
    model.setPassword("court");
    await model.submitPassword();
    expect(model.getSnapshot()).toMatchObject({ question: "password", passwordProblem: "short" });
    model.setPassword(password);
    await model.submitPassword();
    expect(server.accounts.get(email)).toBe(password);
    expect(signedIn).toHaveLength(1);
  });
});
