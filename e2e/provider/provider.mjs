// A real OpenID Connect provider (oidc-provider) for tests. Started by a test, it writes its issuer as the
// first line, and ends with its standard input.
//
//   node provider.mjs [PORT [PLI]]
//
// PLI is the address of the server that sends people here (http://pli.test).
// People there are whoever a test says (PUT /control/accounts/NAME with their claims). Instead of typing a
// password, a test answers a sign-in with /interaction/UID/as/NAME, or /interaction/UID/cancel.

import { createServer } from "node:http";
import { SignJWT, exportJWK, generateKeyPair, importJWK } from "jose";
import Provider, { errors } from "oidc-provider";

const pli = process.argv[3] ?? "http://pli.test";
const accounts = new Map();
/** What this server was asked for when somebody last came to sign in. */
let asked = {};
let provider;
let jwks;

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    response.writeHead(500, { "content-type": "text/plain" });
    response.end(`${error.stack}\n`);
  });
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  jwks = { keys: [await key("RS256"), await key("ES256")] };
  provider = new Provider(issuer, configuration());
  provider.on("server_error", (_context, error) => console.error(error));
  console.log(issuer);
});
process.stdin.on("end", () => process.exit()).resume();

async function key(algorithm) {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = `${algorithm}-${Math.random().toString(36).slice(2)}`;
  return { ...(await exportJWK(privateKey)), alg: algorithm, use: "sig", kid };
}

function client(client_id, id, more) {
  return {
    client_id,
    client_secret: "a secret between the two",
    redirect_uris: [`${pli}/oauth2/upstream/${id}/callback`],
    backchannel_logout_session_required: true,
    // Where a server listens is known once it does: see "end".
    backchannel_logout_uri: `${pli}/oauth2/upstream/${id}/backchannel-logout`,
    ...more,
  };
}

function configuration() {
  return {
    jwks,
    clients: [
      client("pli", "agents"),
      client("pli-signed", "signed", {
        userinfo_signed_response_alg: "ES256",
        id_token_signed_response_alg: "ES256",
        token_endpoint_auth_method: "client_secret_post",
      }),
    ],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["given_name", "family_name", "usual_name", "name", "organisation"],
    },
    cookies: { keys: ["a key for cookies"] },
    pkce: { required: () => true },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      jwtUserinfo: { enabled: true },
    },
    // The servers that it tells of ended sessions are on this machine, which it would not speak to.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(_context, sub) {
      const claims = accounts.get(sub);
      return claims && { accountId: sub, claims: () => ({ sub, ...claims }) };
    },
    // Everybody has consented.
    async loadExistingGrant(context) {
      const { client, session } = context.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  };
}

async function handle(request, response) {
  const { pathname } = new URL(request.url, "http://127.0.0.1");
  const [, first, second, third, fourth] = pathname.split("/").map(decodeURIComponent);
  if (first === "interaction") return interact(request, response, third, fourth);
  if (first === "control") return control(request, response, second, third);
  return provider.callback()(request, response);
}

async function interact(request, response, answer, name) {
  if (answer === "as") {
    return provider.interactionFinished(request, response, { login: { accountId: name } });
  }
  if (answer === "cancel") {
    const { name: error } = new errors.AccessDenied();
    return provider.interactionFinished(request, response, { error: "access_denied", error_description: error });
  }
  const { params } = await provider.interactionDetails(request, response);
  asked = params;
  response.end("Who are you?\n");
}

/** What a provider's operator does. */
async function control(request, response, what, name) {
  const body = await json(request);
  const answer = (value) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  switch (what) {
    case "accounts":
      accounts.set(name, body);
      return answer({});
    case "asked":
      return answer(asked);
    case "sid": {
      // What the client "pli" is told that the session with this cookie is called.
      const session = await provider.Session.find(name);
      return answer({ sid: session.sidFor("pli") });
    }
    case "sign": {
      // A token of this provider's making, with any claims.
      const jwk = jwks.keys.find((key) => key.alg === "RS256");
      const header = { alg: "RS256", kid: jwk.kid, typ: "logout+jwt" };
      const token = await new SignJWT(body).setProtectedHeader(header).sign(await importJWK(jwk, "RS256"));
      return answer({ token });
    }
    case "end": {
      // The session of somebody ends, as oidc-provider tells its clients.
      const ended = await provider.Client.find(body.client_id);
      ended.backchannelLogoutUri = body.uri;
      await ended.backchannelLogout(body.sub, body.sid);
      return answer({});
    }
    default:
      response.writeHead(404).end();
  }
}

async function json(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text ? JSON.parse(text) : {};
}
