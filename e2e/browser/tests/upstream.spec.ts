import { expect, type Page, test } from "@playwright/test";
import { expectAccessible } from "../support/axe.ts";
import { PersonAtBrowser } from "../support/person.ts";
import { Provider } from "../support/provider.ts";

const APP = "https://app.example.com/";
const CLAIRE = {
  email: "claire.martin@interieur.example",
  email_verified: true,
  given_name: "Claire",
  family_name: "Martin",
};

let provider: Provider;

test.beforeAll(async () => {
  provider = await Provider.start();
  await provider.knows("claire", CLAIRE);
});

test.afterAll(async () => {
  await provider?.stop();
});

test("somebody has an account by signing in where all her ministry does", async ({ browser }) => {
  const { url } = provider.pli;
  const claire = await PersonAtBrowser.at(browser, url, CLAIRE.email, "Claire Martin");
  await claire.page.goto(url);
  await claire.page.getByRole("button", { name: "Continue with AgentConnexion" }).click();
  await provider.signIn(claire.page, "claire");
  await claire.keepRecoveryCode();
  await claire.atConversations();
  await claire.page.goto(`${url}/settings/security`);
  await expect(claire.page.getByText("You have no password here")).toBeVisible();
  await claire.leave();
});

test("somebody without a password loses everything, and starts over by signing in once more", async ({
  browser,
}) => {
  const { url } = provider.pli;
  await provider.knows("awa", { ...CLAIRE, email: "awa.kone@interieur.example", given_name: "Awa" });
  for (const device of ["lost", "new"]) {
    const awa = await PersonAtBrowser.at(browser, url, "awa.kone@interieur.example", "Awa Martin");
    const { page } = awa;
    await page.goto(url);
    await page.getByRole("button", { name: "Continue with AgentConnexion" }).click();
    await provider.signIn(page, "awa");
    if (device === "new") {
      await page.getByRole("button", { name: "I lost my code and all my devices" }).click();
      await page.getByLabel("I understand that my old messages will be lost").check();
      await expect(page.getByLabel("Password", { exact: true })).toBeHidden();
      await page.getByRole("button", { name: "Start over with new keys" }).click();
      await confirmElsewhere(page, "awa");
    }
    await awa.keepRecoveryCode();
    await awa.atConversations();
    await awa.leave();
  }
});

/** Opens the page to confirm on, says too early that it is done, then does it. */
async function confirmElsewhere(page: Page, name: string): Promise<void> {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await expect(dialog).toBeVisible();
  await expectAccessible(page, "the dialog that leads to where one signs in");
  const opening = page.context().waitForEvent("page");
  await dialog.getByRole("button", { name: "Open the page" }).click();
  await (await opening).close();
  await dialog.getByRole("button", { name: "I have confirmed" }).click();
  await expect(dialog.getByText("The server has not heard of your confirmation.")).toBeVisible();
  await expectAccessible(page, "the dialog that says that nothing was confirmed");

  const openingAgain = page.context().waitForEvent("page");
  await dialog.getByRole("button", { name: "Open the page" }).click();
  const tab = await openingAgain;
  await expectAccessible(tab, "the page that has one sign in once more");
  await tab.getByRole("button", { name: "Continue with AgentConnexion" }).click();
  await provider.signIn(tab, name);
  await expectAccessible(tab, "the page to confirm on");
  await tab.getByRole("button", { name: "Confirm" }).click();
  await expect(tab.getByRole("heading", { name: "Thank you" })).toBeVisible();
  await tab.close();
  await dialog.getByRole("button", { name: "I have confirmed" }).click();
}

test("somebody lets in an app that knows no other way, at the second attempt", async ({ browser }) => {
  const context = await browser.newContext({ locale: "fr-FR" });
  await context.route(`${APP}**`, (route) => route.fulfill({ body: "The app is back." }));
  const page = await context.newPage();
  const query = new URLSearchParams({ redirectUrl: APP });
  await page.goto(`${provider.pli.url}/_matrix/client/v3/login/sso/redirect?${query}`);
  await expectAccessible(page, "the sign-in page that leads to a provider");
  await page.getByRole("button", { name: "AgentConnexion" }).click();
  await provider.cancel(page);

  await expect(page.getByRole("heading", { name: "Vous n’êtes pas connecté" })).toBeVisible();
  await expectAccessible(page, "the page that says that somebody is not signed in");
  await page.getByRole("link", { name: "Réessayer" }).click();
  await provider.signIn(page, "claire");

  await expectAccessible(page, "the page that asks whether to let the app in");
  await page.getByRole("button", { name: "Continuer" }).click();
  await expect(page.getByText("The app is back.")).toBeVisible();
  expect(new URL(page.url()).searchParams.get("loginToken")).toBeTruthy();
  await context.close();
});
