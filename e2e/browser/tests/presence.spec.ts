import { expect, test } from "@playwright/test";
import { PersonAtBrowser } from "../support/person.ts";
import { PliServer } from "../support/server.ts";

let server: PliServer;

test.beforeAll(async () => {
  server = await PliServer.start();
});

test.afterAll(async () => {
  await server?.stop();
});

test("people see who is typing and who has read", async ({ browser }) => {
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
  await samir.acceptInvitation();
  await claire.say("Tu as relu la note ?");
  await samir.sees("Tu as relu la note ?");
  await expect(claire.page.getByRole("img", { name: "Read by Samir Benali" })).toBeVisible();

  const typing = claire.page.getByText("Samir is typing…");
  await samir.composer.pressSequentially("Oui, à");
  await expect(typing).toBeVisible();
  await samir.composer.pressSequentially(" l’instant.");
  await samir.composer.press("Enter");
  await claire.sees("Oui, à l’instant.");
  await expect(typing).toBeHidden();
  await claire.leave();
  await samir.leave();
});
