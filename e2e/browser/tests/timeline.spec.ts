import { type Browser, expect, type Page, test } from "@playwright/test";
import { PersonAtBrowser, photo } from "../support/person.ts";
import { PliServer } from "../support/server.ts";

let server: PliServer;

test.beforeAll(async () => {
  server = await PliServer.start();
});

test.afterAll(async () => {
  await server?.stop();
});

async function signedUp(browser: Browser, email: string, name: string): Promise<PersonAtBrowser> {
  const person = await PersonAtBrowser.at(browser, server.url, email, name);
  await person.signUp(server);
  return person;
}

/** How many pixels of the open conversation lie below what is in view, once nothing changes or moves any more. */
function belowTheView(page: Page): Promise<number> {
  return page.getByRole("list", { name: "Messages" }).evaluate(async (list) => {
    const box = list.parentElement as HTMLElement;
    const below = () => Math.round(box.scrollHeight - box.clientHeight - box.scrollTop);
    const painted = () => new Promise((resolve) => requestAnimationFrame(resolve));
    let [before, still] = [below(), 0];
    while (still < 20) {
      await painted();
      still = below() === before ? still + 1 : 0;
      before = below();
    }
    return before;
  });
}

async function toSettingsAndBack(person: PersonAtBrowser, conversation: string): Promise<void> {
  const { page } = person;
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Profile" })).toBeVisible();
  await page.getByRole("link", { name: /^Conversations/ }).click();
  await person.openConversation(conversation);
  await expect(page.getByRole("article").last()).toBeVisible();
}

test("who reads the end of a conversation stays there, who reads above stays there too", async ({
  browser,
}) => {
  const claire = await signedUp(browser, "claire.martin@interieur.example", "Claire Martin");
  const samir = await signedUp(browser, "samir.benali@justice.example", "Samir Benali");
  const awa = await signedUp(browser, "awa.kone@justice.example", "Awa Kone");
  const hugo = await signedUp(browser, "hugo.petit@interieur.example", "Hugo Petit");
  const { page } = claire;
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.setViewportSize({ width: 1440, height: 900 });
  await samir.startGroup("Cellule de crise", [claire, awa, hugo]);
  for (const person of [claire, awa, hugo]) await person.acceptInvitation();
  await samir.say("Bonjour à tous. Point de situation à 10 h, en salle ou en visio.");
  await claire.sees("Point de situation à 10 h");
  const note = Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(412 * 1024)]);
  await samir.send({ name: "Note-situation-v3.pdf", mimeType: "application/pdf", buffer: note });
  await claire.sees("Note-situation-v3.pdf");
  await claire.say("Bien reçu. Je relis et je vous renvoie mes deux corrections avant le point.");
  await hugo.sees("Bien reçu.");
  await hugo.say("Je serai en visio depuis Lyon.");
  await awa.sees("en visio depuis Lyon");
  await awa.composer.fill("Le périmètre à jour : le pont reste ouvert aux secours.");
  await awa.send(await photo(awa.page, "Secteur-nord.png", { width: 1200, height: 760 }));
  await claire.seesPicture("Secteur-nord.png");
  await samir.sees("Le périmètre à jour");
  await samir.say("La note est partie au cabinet. Claire, peux-tu prévenir la préfecture ?");
  await claire.sees("prévenir la préfecture");
  await claire.say("C’est fait, ils rappellent dans un quart d’heure.");
  for (const person of [samir, awa, hugo]) await person.sees("ils rappellent dans un quart d’heure");
  const atEnd = async (when: string) => expect(await belowTheView(page), when).toBe(0);
  await atEnd("after what came and what was sent");

  await test.step("back from the settings, in windows of many heights", async () => {
    for (const height of [900, 800, 860, 720, 600]) {
      await page.setViewportSize({ width: 1440, height });
      await atEnd(`in a window ${height} px high`);
      await toSettingsAndBack(claire, "Cellule de crise");
      await atEnd(`back from the settings, ${height} px high`);
    }
  });

  await test.step("when the details take room, and give it back", async () => {
    await page.getByRole("button", { name: "Conversation details" }).click();
    await expect(page.getByRole("heading", { name: "Members" })).toBeVisible();
    await atEnd("beside the details");
    await page.getByRole("button", { name: "Close details" }).click();
    await atEnd("without the details");
  });

  await test.step("in a narrow window, with long lines, under a message of many lines", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await atEnd("on a phone");
    await claire.composer.fill(Array.from({ length: 8 }, (_, line) => `Ligne ${line}`).join("\n"));
    await atEnd("while a long message is written");
    await claire.composer.fill("");
    await page.setViewportSize({ width: 1280, height: 720 });
    await atEnd("in a wide window again");
  });

  await test.step("when texts become larger", async () => {
    await page.evaluate(() => {
      const larger = new CSSStyleSheet();
      larger.replaceSync("[data-message] * { line-height: 1.8 !important; }");
      document.adoptedStyleSheets.push(larger);
    });
    await atEnd("in larger type");
  });

  await test.step("when a picture comes", async () => {
    await samir.send(await photo(samir.page, "Secteur-sud.png"));
    await claire.seesPicture("Secteur-sud.png");
    await atEnd("with the new picture");
  });

  await test.step("but not once she has scrolled up to read", async () => {
    await page.getByRole("article").last().hover();
    await page.mouse.wheel(0, -300);
    await expect(page.getByRole("button", { name: "Go to the last message" })).toBeVisible();
    const before = await belowTheView(page);
    expect(before).toBeGreaterThan(200);
    const first = page.getByRole("article").filter({ hasText: "Je serai en visio" });
    const place = (await first.boundingBox())?.y;
    await samir.say("Merci, je transmets.");
    await expect(page.getByRole("button", { name: /1 new message/ })).toBeVisible();
    expect(await belowTheView(page)).toBeGreaterThan(before);
    expect((await first.boundingBox())?.y).toBe(place);
    await page.getByRole("button", { name: /1 new message/ }).click();
    await claire.sees("Merci, je transmets.");
    await atEnd("after going to the end");
  });
  for (const person of [claire, samir, awa, hugo]) await person.leave();
});
