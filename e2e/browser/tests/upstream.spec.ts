import { expect, type Locator, type Page, test } from "@playwright/test";
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

test("somebody without a password thinks better of starting over, and does it on another day", async ({
  browser,
}) => {
  const { url } = provider.pli;
  await provider.knows("awa", { ...CLAIRE, email: "awa.kone@interieur.example", given_name: "Awa" });
  const signIn = async () => {
    const awa = await PersonAtBrowser.at(browser, url, "awa.kone@interieur.example", "Awa Martin");
    await awa.page.goto(url);
    await awa.page.getByRole("button", { name: "Continue with AgentConnexion" }).click();
    await provider.signIn(awa.page, "awa");
    return awa;
  };
  const first = await signIn();
  await first.keepRecoveryCode();
  await first.atConversations();
  await first.leave();

  // Nothing is lost by turning back.
  const second = await signIn();
  await startOver(second.page);
  await question(second.page).getByRole("button", { name: "Cancel" }).click();
  await second.page.getByRole("button", { name: "Change nothing" }).click();
  await second.recoverWith(first.recoveryCode);
  await second.leave();

  const third = await signIn();
  await startOver(third.page);
  await confirmElsewhere(third.page, "awa");
  await third.keepRecoveryCode();
  await third.atConversations();
  await third.leave();
});

async function startOver(page: Page): Promise<void> {
  await page.getByRole("button", { name: "I lost my code and all my devices" }).click();
  await page.getByLabel("I understand that my old messages will be lost").check();
  await expect(page.getByLabel("Password", { exact: true })).toBeHidden();
  await page.getByRole("button", { name: "Start over with new keys" }).click();
}

function question(page: Page): Locator {
  return page.getByRole("dialog", { name: "Confirm that it is you" });
}

/** Says too early that it is confirmed, then confirms: first who one is, then the new keys. */
async function confirmElsewhere(page: Page, name: string): Promise<void> {
  const dialog = question(page);
  const done = dialog.getByRole("button", { name: "I have confirmed" });
  await expectAccessible(page, "the dialog that leads to where one signs in");
  const tab = await openTab(page);
  await done.click();
  await expect(dialog.getByText("The server has not heard of your confirmation.")).toBeVisible();
  await expectAccessible(page, "the dialog that says that nothing was confirmed");
  await expectAccessible(tab, "the page that has one sign in once more");
  await tab.getByRole("button", { name: "Continue with AgentConnexion" }).click();
  await provider.signIn(tab, name);
  await expectAccessible(tab, "the page to confirm on");
  await confirm(tab);
  await done.click();

  await expect(dialog.getByText("Now confirm the new keys")).toBeVisible();
  await confirm(await openTab(page));
  await done.click();
}

async function openTab(page: Page): Promise<Page> {
  const opening = page.context().waitForEvent("page");
  await question(page).getByRole("button", { name: "Open the page" }).click();
  return opening;
}

async function confirm(tab: Page): Promise<void> {
  await tab.getByRole("button", { name: "Confirm" }).click();
  await expect(tab.getByRole("heading", { name: "Thank you" })).toBeVisible();
  await tab.close();
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
