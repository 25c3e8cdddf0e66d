/** A small server that speaks as much of the client-server API as accounts need, for tests of the forms before sign-in. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly body: Json;
}

const ok = (body: Json): Answer => ({ status: 200, body });
const refused = (status: number, errcode: string, more: Json = {}): Answer => ({
  status,
  body: { errcode, error: "refused", ...more },
});

/** What the server asks of who signs up. */
export type Mode = "email" | "token" | "open" | "closed";

/** The server, its accounts and what it mailed. */
export class TestServer {
  mode: Mode = "email";
  /** The right code, mail after mail. */
  readonly code = "471902";
  readonly invitation = "lavande-7";
  /** Addresses that a code was mailed to. */
  readonly mailed: string[] = [];
  /** Passwords by address; sign-ups without an address go under their user name. */
  readonly accounts = new Map<string, string>();
  /** Requests, `POST /login` style. */
  readonly requests: string[] = [];
  /** The next request is answered with a rate limit of so many milliseconds. */
  limitNextFor: number | null = null;
  /** The password to refuse as weak. */
  weak: string | null = null;
  /** Services elsewhere where one can sign in. */
  providers: Json[] = [];
  /** The token with which somebody comes back from there. */
  loginToken: string | null = null;
  #confirmed = new Set<string>();
  #server: Server | null = null;

  /** Somebody opened the mailed link. */
  openLink(email: string): void {
    this.#confirmed.add(email);
  }

  /** Listens on a free port of this machine. */
  async start(): Promise<string> {
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (part: Buffer) => {
        text += part.toString();
      });
      request.on("end", () => {
        const path = (request.url ?? "").replace("/_matrix/client/v3", "");
        this.requests.push(`${request.method} ${path}`);
        const { status, body } = this.#answer(path, text === "" ? {} : (JSON.parse(text) as Json));
        response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #answer(path: string, body: Json): Answer {
    if (this.limitNextFor !== null) {
      const limit = this.limitNextFor;
      this.limitNextFor = null;
      return refused(429, "M_LIMIT_EXCEEDED", { retry_after_ms: limit });
    }
    switch (path) {
      case "/register":
        return this.#register(body);
      case "/register/email/requestToken":
        return this.#mail(body, true);
      case "/account/password/email/requestToken":
        return this.#mail(body, false);
      case "/submit":
        return this.#submit(body);
      case "/account/password":
        return this.#changePassword(body);
      case "/login":
        return this.#login(body);
      default:
        return refused(404, "M_UNRECOGNIZED");
    }
  }

  #mail(body: Json, signUp: boolean): Answer {
    const email = String(body["email"]);
    if (signUp && !email.endsWith("@interieur.example")) return refused(403, "M_THREEPID_DENIED");
    if (signUp && this.accounts.has(email)) return refused(400, "M_THREEPID_IN_USE");
    this.mailed.push(email);
    return ok({ sid: email, submit_url: "/_matrix/client/v3/submit" });
  }

  #submit(body: Json): Answer {
    if (body["token"] !== this.code) return refused(400, "M_TOKEN_INCORRECT");
    this.#confirmed.add(String(body["sid"]));
    return ok({ success: true });
  }

  #register(body: Json): Answer {
    if (this.mode === "closed") return refused(403, "M_FORBIDDEN");
    const stage = { email: "m.login.email.identity", token: "m.login.registration_token", open: "m.login.dummy" }[this.mode];
    const auth = body["auth"] as Json | undefined;
    const question = { flows: [{ stages: [stage] }], session: "session", params: {} };
    if (auth?.["type"] !== stage) return { status: 401, body: question };
    const email = (auth["threepid_creds"] as Json | undefined)?.["sid"];
    if (this.mode === "email" && !this.#confirmed.has(String(email)))
      return { status: 401, body: { ...question, errcode: "M_UNAUTHORIZED" } };
    if (this.mode === "token" && auth["token"] !== this.invitation)
      return { status: 401, body: { ...question, errcode: "M_UNAUTHORIZED" } };
    if (body["password"] === undefined) return refused(400, "M_MISSING_PARAM");
    const password = String(body["password"]);
    if (password === this.weak) return refused(400, "M_WEAK_PASSWORD");
    this.accounts.set(String(email ?? body["username"] ?? "1"), password);
    return ok({ user_id: "@1:interieur.example", device_id: "D", access_token: "T" });
  }

  #changePassword(body: Json): Answer {
    const auth = body["auth"] as Json | undefined;
    if (!auth) return { status: 401, body: { flows: [{ stages: ["m.login.email.identity"] }], session: "session", params: {} } };
    const email = String((auth["threepid_creds"] as Json | undefined)?.["sid"]);
    if (!this.#confirmed.has(email)) return refused(401, "M_UNAUTHORIZED");
    this.accounts.set(email, String(body["new_password"]));
    return ok({});
  }

  #login(body: Json): Answer {
    if (body["type"] === undefined) {
      return ok({ flows: [{ type: "m.login.password" }, { type: "m.login.sso", identity_providers: this.providers }] });
    }
    if (body["type"] === "m.login.token") {
      if (this.loginToken === null || body["token"] !== this.loginToken) return refused(403, "M_FORBIDDEN");
      return ok({ user_id: "@1:interieur.example", device_id: "D", access_token: "T" });
    }
    const identifier = body["identifier"] as Json;
    const right = this.accounts.get(String(identifier["address"] ?? identifier["user"]));
    if (right === undefined || right !== body["password"]) return refused(403, "M_FORBIDDEN");
    return ok({ user_id: "@1:interieur.example", device_id: "D", access_token: "T" });
  }
}
