import { expect, type Page, test } from "@playwright/test";
import { PASSWORD, PersonAtBrowser } from "../support/person.ts";
import { PliServer } from "../support/server.ts";

let server: PliServer;

test.beforeAll(async () => {
  server = await PliServer.start();
});

test.afterAll(async () => {
  await server?.stop();
});

/** The text of whatever has the focus, or the name that it is read out by. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return "";
    const isField = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
    const label = isField ? element.labels?.[0]?.textContent : null;
    return (element.getAttribute("aria-label") ?? label ?? element.textContent ?? "").trim();
  });

/** Presses Tab until what is called `name` has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    const text = await focused(page);
    if (typeof name === "string" ? text === name : name.test(text)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key never reached ${name}`);
}

async function fitsSideways(page: Page, screen: string): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, `${screen} fits its window`).toBe(page.viewportSize()?.width);
}

test("one tab has the session at a time, and hands it over", async ({ browser }) => {
  const claire = await PersonAtBrowser.at(
    browser,
    server.url,
    "claire.martin@interieur.example",
    "Claire Martin",
  );
  const samir = await PersonAtBrowser.at(browser, server.url, "samir.benali@justice.example", "Samir Benali");
  await claire.signUp(server);
  await samir.signUp(server);
  await claire.startConversationWith(samir);
  await claire.say("Écrit dans le premier onglet.");
  await samir.acceptInvitation();
  await samir.sees("Écrit dans le premier onglet.");

  const elsewhere = (page: Page) => page.getByRole("heading", { name: "Pli is open in another tab" });
  const second = claire.inTab(await claire.context.newPage());

  await test.step("a second tab says so and touches nothing", async () => {
    await second.page.goto(claire.page.url());
    await expect(elsewhere(second.page)).toBeVisible();
    await claire.say("Toujours dans le premier.");
  });

  await test.step("the second takes over, the first steps back", async () => {
    await second.page.getByRole("button", { name: "Go on here" }).click();
    await second.sees("Écrit dans le premier onglet.");
    await second.sees("Toujours dans le premier.");
    await expect(elsewhere(claire.page)).toBeVisible();
    await second.say("Écrit dans le second onglet.");
    await samir.sees("Écrit dans le second onglet.");
    await samir.say("Je vous lis dans les deux.");
    await second.sees("Je vous lis dans les deux.");
  });

  await test.step("the first takes it back and can read what the second wrote", async () => {
    await claire.page.getByRole("button", { name: "Go on here" }).click();
    await claire.sees("Écrit dans le second onglet.");
    await claire.sees("Je vous lis dans les deux.");
    await expect(elsewhere(second.page)).toBeVisible();
    await claire.say("De retour dans le premier.");
    await samir.sees("De retour dans le premier.");
  });

  await test.step("the one that is left goes on by itself when the other closes", async () => {
    await claire.page.close();
    await second.sees("De retour dans le premier.");
    await second.say("Seul onglet désormais.");
    await samir.sees("Seul onglet désormais.");
  });

  await test.step("loading the page again keeps the session and the conversation", async () => {
    await second.page.reload();
    await second.sees("Écrit dans le premier onglet.");
    await second.say("Après rechargement.");
    await samir.sees("Après rechargement.");
  });

  await test.step("a sign-out in one tab is told to the other", async () => {
    const third = await claire.context.newPage();
    await third.goto(server.url);
    await expect(elsewhere(third)).toBeVisible();
    await second.signOut();
    await expect(third.getByRole("button", { name: "Sign in" })).toBeVisible();
  });
  await claire.leave();
  await samir.leave();
});

test("after a sign-out this browser keeps nothing of the session", async ({ browser }) => {
  const hugo = await PersonAtBrowser.at(browser, server.url, "hugo.petit@interieur.example", "Hugo Petit");
  const lea = await PersonAtBrowser.at(browser, server.url, "lea.dubois@justice.example", "Lea Dubois");
  await hugo.signUp(server);
  await lea.signUp(server);
  await hugo.startConversationWith(lea);
  await hugo.say("Rien ne doit rester ici.");
  await lea.acceptInvitation();
  await lea.sees("Rien ne doit rester ici.");

  // While it is open there is something: otherwise the check below could not fail.
  const before = await hugo.keptInBrowser();
  expect(before.databases.length).toBeGreaterThan(2);
  await hugo.signOut();
  await expect(
    hugo.page.getByText("Nothing of your conversations is kept in this browser any more."),
  ).toBeVisible();
  await expect
    .poll(() => hugo.keptInBrowser())
    .toEqual({ databases: [], records: [], caches: [], cookies: [] });

  await test.step("and the way back is open", async () => {
    await hugo.signIn();
    await hugo.recoverWith(hugo.recoveryCode);
    await hugo.openConversation(lea.name);
    await hugo.sees("Rien ne doit rester ici.");
  });
  await hugo.leave();
  await lea.leave();
});

test("en français et au clavier seul, de la connexion au premier message", async ({ browser }) => {
  const samir = await PersonAtBrowser.at(browser, server.url, "samir.haddad@justice.example", "Samir Haddad");
  await samir.signUp(server);
  const awa = await PersonAtBrowser.at(browser, server.url, "awa.kone@justice.example", "Awa Koné");
  await awa.signUp(server);

  const context = await browser.newContext({ locale: "fr-FR" });
  const page = await context.newPage();
  const { keyboard } = page;
  const narrow = async (screen: string) => {
    const before = page.viewportSize() ?? { width: 1280, height: 720 };
    await page.setViewportSize({ width: 360, height: 740 });
    await fitsSideways(page, screen);
    await page.setViewportSize(before);
  };

  await test.step("connexion", async () => {
    await page.goto(server.url);
    await expect(page.getByRole("heading", { name: "Bienvenue sur Pli" })).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("lang", "fr");
    await tabTo(page, "Adresse e-mail professionnelle");
    await keyboard.type(awa.email);
    await tabTo(page, "Mot de passe");
    await keyboard.type(PASSWORD);
    await narrow("connexion");
    await keyboard.press("Enter");
  });

  await test.step("code de secours", async () => {
    await expect(page.getByRole("heading", { name: "Retrouvez vos conversations" })).toBeVisible({
      timeout: 60_000,
    });
    await tabTo(page, "Vos douze mots");
    await keyboard.type(awa.recoveryCode.join(" "));
    await narrow("code de secours");
    await tabTo(page, "Rouvrir mes conversations");
    await keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Conversations" })).toBeVisible({ timeout: 90_000 });
    await expect(page.getByText("Pas encore de conversation")).toBeVisible();
    await narrow("conversations");
  });

  await test.step("nouvelle conversation", async () => {
    await keyboard.press("Alt+n");
    const dialog = page.getByRole("dialog", { name: "Nouvelle conversation" });
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole("combobox", { name: "Nom de la personne" })).toBeFocused();
    await keyboard.type("Samir Haddad");
    await expect(dialog.getByRole("option", { name: "Samir Haddad" })).toBeVisible();
    await narrow("nouvelle conversation");
    await keyboard.press("Enter");
    await expect(dialog).toBeHidden();
  });

  await test.step("premier message", async () => {
    const composer = page.getByRole("textbox", { name: "Message pour Samir Haddad" });
    await expect(composer).toBeFocused();
    await expect(page.getByText("Chiffrée de bout en bout").first()).toBeVisible();
    await keyboard.type("Bonjour Samir,");
    await keyboard.press("Shift+Enter");
    await keyboard.type("on se voit à 10 h ?");
    await narrow("conversation");
    await keyboard.press("Enter");
    const message = page.getByRole("article").filter({ hasText: "on se voit à 10 h ?" });
    await expect(message.getByLabel("Envoyé", { exact: true })).toBeVisible();
    await samir.acceptInvitation();
    await samir.sees("on se voit à 10 h ?");
    await samir.say("Très bien, à tout à l’heure.");
    await expect(page.getByRole("article").filter({ hasText: "Très bien, à tout à l’heure." })).toBeVisible();
  });

  await test.step("les touches qui aident", async () => {
    await keyboard.press("Control+k");
    await expect(page.getByRole("searchbox", { name: "Rechercher une conversation" })).toBeFocused();
    await keyboard.press("Tab");
    await keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Raccourcis du clavier" });
    await expect(help).toBeVisible();
    await expect(help.getByText("Nouvelle conversation")).toBeVisible();
    await keyboard.press("Escape");
    await expect(help).toBeHidden();
  });

  await test.step("réglages", async () => {
    await tabTo(page, "Réglages");
    await keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 2, name: "Profil" })).toBeVisible();
    for (const section of ["Apparence et langue", "Notifications", "Appareils", "Sécurité"]) {
      await tabTo(page, section);
      await keyboard.press("Enter");
      await expect(page.getByRole("heading", { level: 2, name: section })).toBeVisible();
      await narrow(section);
    }
  });
  await context.close();
  await awa.leave();
  await samir.leave();
});
