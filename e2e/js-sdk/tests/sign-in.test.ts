import { createClient, HttpApiEvent, OAuth2, type TokenRefreshCallback } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { Browser } from "../support/browser.ts";
import { PASSWORD, Person } from "../support/person.ts";
import { within } from "../support/until.ts";

const APP = "https://app.example.com/";

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open", accessTokenLifetime: "2 s" });
});

afterAll(() => server?.stop());

test("nobody could sign in with their password, or with a wrong one anybody could", async () => {
  const claire = await Person.signUp(server, "claire.password");
  const client = createClient({ baseUrl: server.url });
  const { flows } = await client.loginFlows();
  expect(flows.map(({ type }) => type)).toContain("m.login.password");
  const identifier = { type: "m.id.user", user: "claire.password" } as const;
  const wrong = client.loginRequest({ type: "m.login.password", identifier, password: "faux" });
  await expect(wrong).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
  const session = await client.loginRequest({
    type: "m.login.password",
    identifier,
    password: PASSWORD,
    initial_device_display_name: "Ordinateur du bureau",
  });
  const { devices } = await claire.client.getDevices();
  expect(devices.map(({ device_id }) => device_id).sort()).toEqual(
    [claire.deviceId, session.device_id].sort(),
  );
  expect(devices.map(({ display_name }) => display_name)).toContain("Ordinateur du bureau");
});

test("a stolen phone could not be signed out from the computer", async () => {
  const computer = await Person.signUp(server, "claire.stolen");
  const phone = await computer.onAnotherDevice();
  const signedOut = within(
    "the sign-out",
    new Promise<void>((resolve) => phone.client.once(HttpApiEvent.SessionLoggedOut, () => resolve())),
  );
  const session = await computer.client.deleteDevice(phone.deviceId).then(
    () => undefined,
    (error) => error.data.session,
  );
  expect(session).toBeTruthy();
  await computer.client.deleteDevice(phone.deviceId, {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: computer.userId },
    password: PASSWORD,
    session,
  });
  await signedOut;
  expect((await computer.client.getDevices()).devices).toHaveLength(1);
});

test("an app that signs in through the browser would be thrown out after five minutes", async () => {
  const samir = await Person.signUp(server, "samir.oauth");
  const claire = await Person.signUp(server, "claire.oauth");
  const roomId = await claire.talksWith([samir]);

  const metadata = await createClient({ baseUrl: server.url }).getAuthMetadata();
  const clientId = await OAuth2.registerClient(metadata, {
    client_name: "Boîte aux lettres",
    client_uri: APP,
    redirect_uris: [`${APP}callback`],
  });
  const oauth = new OAuth2(metadata, { clientId });
  const browser = new Browser(server.url);
  const address = await oauth.generateAuthorizationCodeGrantUrl("state", `${APP}callback`, "query");
  const question = await browser.submit(await browser.open(address), {
    username: "samir.oauth",
    password: PASSWORD,
  });
  const { url } = await browser.submit(question, { decision: "allow" });
  expect(url.searchParams.get("state")).toBe("state");
  const code = url.searchParams.get("code") ?? "";
  const granted = await oauth.completeAuthorizationCodeGrant(code, `${APP}callback`);
  if (!granted.refresh_token) throw new Error("no token to refresh with");

  let refreshed: Parameters<TokenRefreshCallback>[0] | undefined;
  const twice = new Promise<void>((resolve) => {
    let times = 0;
    onRefresh = (tokens) => {
      refreshed = tokens;
      times += 1;
      if (times === 2) resolve();
    };
  });
  const app = await Person.with(
    server,
    {
      userId: samir.userId,
      deviceId: oauth.context.deviceId,
      accessToken: granted.access_token,
      refreshToken: granted.refresh_token,
      oauthClientId: clientId,
      onTokenRefresh: async (tokens) => onRefresh(tokens),
    },
    // It asks often, so as to find out soon that its token has run out.
    { encryption: true, pollTimeout: 200 },
  );
  await within("two new tokens", twice);
  expect(refreshed?.accessToken).not.toBe(granted.access_token);
  expect(await app.reads(roomId, await claire.says(roomId, "Toujours là ?"))).toBe("Toujours là ?");
  expect(await claire.reads(roomId, await app.says(roomId, "Toujours."))).toBe("Toujours.");

  // Signing out revokes the tokens.
  await app.signsOut();
  const after = createClient({ baseUrl: server.url, accessToken: app.client.getAccessToken() ?? "" });
  await expect(after.whoami()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
});

let onRefresh: (tokens: Parameters<TokenRefreshCallback>[0]) => void = () => {};
