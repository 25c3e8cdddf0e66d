import { createHash } from "node:crypto";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Page,
  test,
} from "@playwright/test";
import { expectAccessible } from "../support/axe.ts";
import { PliServer } from "../support/server.ts";

const APP = "https://app.example.com";
const CALLBACK = `${APP}/callback`;
const VERIFIER = "a-secret-of-the-app-that-nobody-else-knows-000";
const PASSWORD = "correct horse battery staple";

let server: PliServer;

test.beforeAll(async () => {
  server = await PliServer.start();
});

test.afterAll(async () => {
  await server?.stop();
});

test("a colleague comes from an app, signs up, lets it in and looks after the account", async ({
  browser,
}) => {
  const context = await browser.newContext({ locale: "fr-FR" });
  const page = await context.newPage();
  await answerFor(context);
  const clientId = await register(context);

  await page.goto(authorize(clientId, { prompt: "create" }));
  await expect(page.getByRole("heading", { name: "Créer un compte" })).toBeVisible();
  await expectAccessible(page, "the sign-up page");
  await page.getByLabel("Votre adresse professionnelle").fill("awa.kone@interieur.example");
  await page.getByRole("button", { name: "M’envoyer un code" }).click();
  await expectAccessible(page, "the page that asks for the code");
  await page
    .getByLabel("Le code reçu par courriel")
    .fill(await server.mailedCode("awa.kone@interieur.example"));
  await page.getByLabel("Un nouveau mot de passe").fill(PASSWORD);
  await page.getByRole("button", { name: "Créer le compte" }).click();

  await expect(page.getByRole("heading", { name: "Vous connecter à Boîte aux lettres ?" })).toBeVisible();
  await expectAccessible(page, "the page that asks whether to let the app in");
  // Browsers hold the page's policy against the redirect that follows its form.
  await page.getByRole("button", { name: "Continuer" }).click();
  await expect(page.getByText("The app is back.")).toBeVisible();
  const code = new URL(page.url()).searchParams.get("code") ?? "";
  const granted = await context.request.post(`${server.url}/oauth2/token`, {
    form: {
      grant_type: "authorization_code",
      client_id: clientId,
      code,
      redirect_uri: CALLBACK,
      code_verifier: VERIFIER,
    },
  });
  expect(granted.status()).toBe(200);

  await page.goto(`${server.url}/oauth2/account`);
  await expectAccessible(page, "the account page");
  await page.getByRole("link", { name: "Votre nom et vos adresses" }).click();
  await expectAccessible(page, "the profile page");
  await page.getByLabel("Votre nom, tel que les autres le voient").fill("Awa Koné");
  await page.getByRole("button", { name: "Enregistrer" }).click();
  await expect(page.getByText("Votre nom est changé.")).toBeVisible();
  await page.getByRole("link", { name: "Retour à votre compte" }).click();

  await page.getByRole("link", { name: "Réinitialiser votre identité numérique" }).click();
  await expectAccessible(page, "the page about resetting the identity");
  await page.getByRole("button", { name: "Autoriser la réinitialisation" }).click();
  await expect(page.getByRole("heading", { name: "La réinitialisation est autorisée" })).toBeVisible();

  await page.goto(`${server.url}/oauth2/account?action=org.matrix.account_deactivate`);
  await expectAccessible(page, "the page about deleting the account");

  await page.goto(`${server.url}/oauth2/account?action=org.matrix.devices_list`);
  await expectAccessible(page, "the list of devices");
  await page.getByRole("link", { name: "Boîte aux lettres" }).click();
  await expectAccessible(page, "a device's page");
  await page.getByRole("link", { name: "Le déconnecter" }).click();
  await expectAccessible(page, "the page that asks whether to sign a device out");
  await page.getByRole("button", { name: "Le déconnecter" }).click();
  await expect(page.getByRole("heading", { name: "L’appareil est déconnecté" })).toBeVisible();
  await context.close();
});

test("somebody signs in and lets in an app that shows a code", async ({ browser }) => {
  await letInByCode(browser, "hugo.petit@justice.example", {}, expectAccessible);
});

test("the same works in a browser that runs no scripts", async ({ browser }) => {
  await letInByCode(browser, "lea.dubois@justice.example", { javaScriptEnabled: false }, async () => {});
});

async function letInByCode(
  browser: Browser,
  address: string,
  options: BrowserContextOptions,
  look: (page: Page, screen: string) => Promise<void>,
): Promise<void> {
  const setUp = await browser.newContext({ locale: "en-GB" });
  const clientId = await register(setUp);
  await signUp(await setUp.newPage(), address);
  await setUp.close();

  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  const started = await context.request.post(`${server.url}/oauth2/device`, {
    form: { client_id: clientId, scope: scope("TELEVISION") },
  });
  const { user_code: userCode, device_code: deviceCode } = await started.json();
  await page.goto(`${server.url}/link`);
  await look(page, "the sign-in page");
  await page.getByLabel("User name or e-mail address").fill(address);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("is wrong");
  await look(page, "the sign-in page after a mistake");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();

  await expect(page.getByLabel("The code that the app shows")).toBeVisible();
  await look(page, "the page that asks for an app's code");
  await page.getByLabel("The code that the app shows").fill(userCode);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "Let this app in?" })).toBeVisible();
  await look(page, "the page that asks whether to let in an app with a code");
  await page.getByRole("button", { name: "Let it in" }).click();
  await expect(page.getByRole("heading", { name: "The app is signed in" })).toBeVisible();
  const granted = await context.request.post(`${server.url}/oauth2/token`, {
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      client_id: clientId,
      device_code: deviceCode,
    },
  });
  expect(granted.status()).toBe(200);
  await context.close();
}

/** Answers for the app's own site, which is not on the network. */
async function answerFor(context: BrowserContext): Promise<void> {
  await context.route(`${APP}/**`, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: "<!doctype html><title>App</title><p>The app is back.</p>",
    }),
  );
}

async function register(context: BrowserContext): Promise<string> {
  const answer = await context.request.post(`${server.url}/oauth2/register`, {
    data: {
      client_name: "Boîte aux lettres",
      client_uri: `${APP}/`,
      policy_uri: `${APP}/privacy`,
      tos_uri: `${APP}/terms`,
      redirect_uris: [CALLBACK],
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      token_endpoint_auth_method: "none",
    },
  });
  expect(answer.status()).toBe(201);
  const { client_id: clientId } = await answer.json();
  return clientId;
}

async function signUp(page: Page, address: string): Promise<void> {
  await page.goto(`${server.url}/oauth2/signup`);
  await page.getByLabel("Your work address").fill(address);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("The code from the mail").fill(await server.mailedCode(address));
  await page.getByLabel("A new password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByRole("heading", { name: "Your account" })).toBeVisible();
}

function scope(deviceId: string): string {
  return `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;
}

function authorize(clientId: string, more: Record<string, string>): string {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: CALLBACK,
    scope: scope("PHONEOFAWA"),
    state: "state of the app",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    ...more,
  });
  return `${server.url}/oauth2/authorize?${query}`;
}
