import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { discoverHomeserver, PasswordReset, SignUp, signIn } from "./account";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly language: string | undefined;
  readonly body: Record<string, unknown>;
}
type Answer = {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly hang?: boolean;
};

let server: Server | null = null;
let asked: Asked[] = [];

async function serve(answer: (request: Asked) => Answer): Promise<string> {
  asked = [];
  const started = createServer(async (request, response) => {
    const seen: Asked = {
      method: request.method ?? "",
      path: request.url ?? "",
      language: request.headers["accept-language"],
      body: await bodyOf(request),
    };
    asked.push(seen);
    const { status = 200, headers = {}, body = {}, hang = false } = answer(seen);
    if (hang) return;
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return parts.length === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>);
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

const login = { identifier: "claire.martin@interieur.example", password: "p", deviceName: "Firefox" };
const tokens = { user_id: "@claire:a.example", device_id: "D", access_token: "t" };

describe("finding the server", () => {
  it("follows the well-known document, and does without it", async () => {
    const base = await serve(({ path }) => {
      if (path === "/.well-known/matrix/client") return { body: { "m.homeserver": { base_url: `${base}/` } } };
      return { body: { versions: ["v1.19"] } };
    });
    expect(await discoverHomeserver(base)).toEqual({ baseUrl: base, versions: ["v1.19"] });
    server?.close();
    const bare = await serve(({ path }) =>
      path.includes("well-known") ? { status: 404, body: "<html>" } : { body: { versions: ["v1.19"] } },
    );
    expect((await discoverHomeserver(bare)).baseUrl).toBe(bare);
  });

  it("says so when what answers is no Matrix server, or nothing answers in time", async () => {
    const base = await serve(() => ({ body: "<html>bonjour</html>", headers: { "Content-Type": "text/html" } }));
    await expect(discoverHomeserver(base)).rejects.toMatchObject({ info: { kind: "not-a-server" } });
    await expect(discoverHomeserver("not a host name")).rejects.toMatchObject({ info: { kind: "not-a-server" } });
    const silent = await serve(() => ({ hang: true }));
    await expect(discoverHomeserver(silent, { timeoutMs: 50 })).rejects.toMatchObject({ info: { kind: "timeout" } });
    await expect(discoverHomeserver("http://127.0.0.1:1")).rejects.toMatchObject({ info: { kind: "network" } });
  });
});

describe("signing in", () => {
  it("takes an address for an address and a name for a name", async () => {
    const base = await serve(() => ({ body: tokens }));
    expect(await signIn({ ...login, baseUrl: base })).toEqual({
      baseUrl: base,
      userId: "@claire:a.example",
      deviceId: "D",
      accessToken: "t",
    });
    await signIn({ ...login, baseUrl: base, identifier: " @claire:a.example " });
    expect(asked.map(({ body }) => body["identifier"])).toEqual([
      { type: "m.id.thirdparty", medium: "email", address: "claire.martin@interieur.example" },
      { type: "m.id.user", user: "@claire:a.example" },
    ]);
    expect(asked[0]?.body).not.toHaveProperty("refresh_token");
  });

  it.each([
    [{ status: 403, body: { errcode: "M_FORBIDDEN" } }, { kind: "wrong-credentials" }],
    [{ status: 403, body: { errcode: "M_USER_DEACTIVATED" } }, { kind: "account-deactivated" }],
    [
      { status: 429, body: { retry_after_ms: 1500 } },
      { kind: "rate-limited", retryAfterMs: 1500 },
    ],
    [
      { status: 429, headers: { "Retry-After": "7" }, body: { retry_after_ms: 1500 } },
      { kind: "rate-limited", retryAfterMs: 7000 },
    ],
    [
      { status: 503, body: "<html>" },
      { kind: "server", status: 503 },
    ],
    [{ status: 200, body: { user_id: "@claire:a.example" } }, { kind: "server" }],
  ] as const)("tells what happened: %j", async (answer, info) => {
    const base = await serve(() => answer);
    await expect(signIn({ ...login, baseUrl: base })).rejects.toMatchObject({ info });
  });

  it("can be given up", async () => {
    const base = await serve(() => ({ hang: true }));
    const abort = new AbortController();
    const attempt = signIn({ ...login, baseUrl: base, signal: abort.signal });
    abort.abort();
    await expect(attempt).rejects.toMatchObject({ info: { kind: "cancelled" } });
  });
});

describe("signing up", () => {
  const form = { email: " Claire.Martin@interieur.example", password: "p", deviceName: "Firefox", language: "fr" };

  /** A server that asks for the stages in order; `code` is the one in the mail. */
  function uia(stages: readonly string[], code: string) {
    const completed: string[] = [];
    let confirmed = false;
    return ({ path, body }: Asked): Answer => {
      if (path.endsWith("/register/email/requestToken")) return { body: { sid: "s", submit_url: "/submit" } };
      if (path === "/submit") {
        confirmed ||= body["token"] === code;
        return body["token"] === code ? { body: { success: true } } : { status: 400, body: { errcode: "M_INVALID_PARAM" } };
      }
      if (!path.endsWith("/register")) return { body: {} };
      const auth = body["auth"] as { type?: string; token?: string; session?: string } | undefined;
      if (auth?.type === "m.login.email.identity" && confirmed) completed.push(auth.type);
      if (auth?.type === "m.login.registration_token" && auth.token === "sesame") completed.push(auth.type);
      if (auth?.type === "m.login.terms" || auth?.type === "m.login.dummy") completed.push(auth.type);
      if (stages.every((stage) => completed.includes(stage))) return { body: tokens };
      const params = {
        "m.login.terms": { policies: { use: { version: "1", fr: { name: "Règles", url: "https://a.example/fr" } } } },
      };
      return { status: 401, body: { session: "x", completed, flows: [{ stages }], params } };
    };
  }

  it("walks through token, terms and mailed code, and gives the code a second chance", async () => {
    const base = await serve(uia(["m.login.registration_token", "m.login.terms", "m.login.email.identity"], "123456"));
    const signUp = new SignUp({ ...form, baseUrl: base, displayName: "Claire Martin" });
    expect(await signUp.start()).toEqual({ kind: "token" });
    await expect(signUp.submitToken("abracadabra")).rejects.toMatchObject({ info: { kind: "token-wrong" } });
    expect(await signUp.submitToken(" sesame ")).toEqual({
      kind: "terms",
      documents: [{ id: "use", name: "Règles", url: "https://a.example/fr" }],
    });
    expect(await signUp.acceptTerms()).toEqual({ kind: "email-code", email: "claire.martin@interieur.example" });
    await expect(signUp.checkLink()).rejects.toMatchObject({ info: { kind: "email-not-confirmed" } });
    await expect(signUp.submitCode("000 000")).rejects.toMatchObject({ info: { kind: "code-wrong" } });
    expect(await signUp.submitCode("123 456")).toMatchObject({ kind: "done", credentials: { userId: "@claire:a.example" } });
    expect(asked.at(-1)).toMatchObject({ method: "PUT", body: { displayname: "Claire Martin" } });
    expect(asked.every(({ language }) => language === "fr")).toBe(true);
  });

  it("does the step without content by itself", async () => {
    const base = await serve(uia(["m.login.dummy"], ""));
    expect((await new SignUp({ ...form, baseUrl: base }).start()).kind).toBe("done");
  });

  it("says so when it cannot go on", async () => {
    const unknown = await serve(uia(["m.login.recaptcha"], ""));
    await expect(new SignUp({ ...form, baseUrl: unknown }).start()).rejects.toMatchObject({ info: { kind: "unsupported-step" } });
    const closed = await serve(() => ({ status: 403, body: { errcode: "M_FORBIDDEN" } }));
    await expect(new SignUp({ ...form, baseUrl: closed }).start()).rejects.toMatchObject({
      info: { kind: "registration-closed" },
    });
    await expect(new SignUp({ ...form, baseUrl: closed, email: "claire" }).start()).rejects.toMatchObject({
      info: { kind: "email-invalid" },
    });
  });

  it.each([
    ["M_THREEPID_IN_USE", "email-in-use"],
    ["M_THREEPID_DENIED", "email-not-allowed"],
    ["M_INVALID_PARAM", "email-invalid"],
  ])("understands why no mail was sent: %s", async (errcode, kind) => {
    const stages = uia(["m.login.email.identity"], "");
    const base = await serve((request) =>
      request.path.endsWith("/requestToken") ? { status: 400, body: { errcode } } : stages(request),
    );
    await expect(new SignUp({ ...form, baseUrl: base }).start()).rejects.toMatchObject({ info: { kind } });
  });
});

describe("a forgotten password", () => {
  it("is replaced once the address is confirmed", async () => {
    let confirmed = false;
    const base = await serve(({ path, body }) => {
      if (path.endsWith("/requestToken")) return { body: { sid: "s", submit_url: "/submit" } };
      if (path === "/submit") {
        confirmed = body["token"] === "123456";
        return { body: { success: confirmed } };
      }
      if (body["auth"] !== undefined && confirmed) return { body: {} };
      return { status: 401, body: { session: "x", completed: [], flows: [{ stages: ["m.login.email.identity"] }], params: {} } };
    });
    const reset = new PasswordReset({ baseUrl: base, email: "claire@a.example", language: "fr" });
    await expect(reset.setPassword("n", false)).rejects.toMatchObject({ info: { kind: "code-expired" } });
    await reset.start();
    await expect(reset.setPassword("n", false)).rejects.toMatchObject({ info: { kind: "email-not-confirmed" } });
    await expect(reset.submitCode("1")).rejects.toMatchObject({ info: { kind: "code-wrong" } });
    await reset.submitCode("123456");
    await reset.setPassword("n", true);
    expect(asked.at(-1)?.body).toMatchObject({ new_password: "n", logout_devices: true, auth: { session: "x" } });
  });
});
