import { expect, test } from "@playwright/test";
import { PersonAtBrowser, photo } from "../support/person.ts";
import { PliServer } from "../support/server.ts";

let server: PliServer;

test.beforeAll(async () => {
  server = await PliServer.start();
});

test.afterAll(async () => {
  await server?.stop();
});

test("two agents talk, one loses her browser, the server is killed, nothing is lost", async ({ browser }) => {
  test.setTimeout(420_000);
  const claire = await PersonAtBrowser.at(
    browser,
    server.url,
    "claire.martin@interieur.example",
    "Claire Martin",
  );
  const samir = await PersonAtBrowser.at(browser, server.url, "samir.benali@justice.example", "Samir Benali");
  const picture = await photo(claire.page, "salle-de-crise.png").catch(async () => {
    await claire.page.goto(server.url);
    return photo(claire.page, "salle-de-crise.png");
  });
  const note = {
    name: "Note-situation-v3.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("Point de situation : la préfecture est prévenue.\n"),
  };

  await test.step("they sign up with the codes that they are mailed", async () => {
    await claire.signUp(server);
    await samir.signUp(server);
  });

  await test.step("they find each other by name and talk", async () => {
    await claire.startConversationWith(samir);
    await claire.say("Bonjour Samir, point de situation à 10 h.");
    await samir.acceptInvitation();
    await samir.sees("Bonjour Samir, point de situation à 10 h.");
    await samir.say("Je serai en visio depuis Lyon.");
    await claire.sees("Je serai en visio depuis Lyon.");
  });

  await test.step("a photo and a file arrive and open", async () => {
    await claire.send(picture);
    await samir.seesPicture(picture.name);
    await claire.send(note);
    await samir.sees(note.name);
    expect(await samir.saves(note.name)).toEqual(note.buffer);
  });

  await test.step("they verify each other by emoji", async () => {
    await claire.page.getByRole("button", { name: "Conversation details" }).click();
    await claire.page.getByRole("button", { name: "Actions for Samir Benali" }).click();
    await claire.page.getByRole("menuitem", { name: "Verify identity" }).click();
    await samir.page.getByRole("button", { name: "Verify", exact: true }).click();
    expect(await claire.comparedPictures()).toEqual(await samir.comparedPictures());
    await claire.page.getByRole("button", { name: "They are the same" }).click();
    await samir.page.getByRole("button", { name: "They are the same" }).click();
    await expect(claire.page.getByRole("dialog", { name: "Identity verified" })).toBeVisible();
    await expect(samir.page.getByRole("dialog", { name: "Identity verified" })).toBeVisible();
    await claire.page.getByRole("button", { name: "Done" }).click();
    await samir.page.getByRole("button", { name: "Done" }).click();
  });

  await test.step("the server is killed in the middle and comes back", async () => {
    await server.kill();
    await server.boot();
    await claire.say("Toujours là ?");
    await samir.sees("Toujours là ?");
  });

  await test.step("she loses her browser, signs in on another and reads everything", async () => {
    // What was said in the last seconds before a loss can't be read again by anybody's means.
    await claire.hasBackedUp(2);
    await claire.leave();
    const again = await PersonAtBrowser.at(browser, server.url, claire.email, claire.name);
    await again.signIn();
    await again.recoverWith(claire.recoveryCode);
    await again.openConversation("Samir Benali");
    await again.sees("Bonjour Samir, point de situation à 10 h.");
    await again.sees("Je serai en visio depuis Lyon.");
    await again.seesPicture(picture.name);
    expect(await again.saves(note.name)).toEqual(note.buffer);
    await again.sees("Toujours là ?");
    await again.say("Je vous lis de nouveau.");
    await samir.sees("Je vous lis de nouveau.");

    await test.step("and verifies a third browser against this one", async () => {
      const third = await PersonAtBrowser.at(browser, server.url, claire.email, claire.name);
      await third.signIn();
      await third.page.getByRole("button", { name: "Use another device" }).click();
      await again.page.getByRole("button", { name: "Verify", exact: true }).click();
      expect(await third.comparedPictures()).toEqual(await again.comparedPictures());
      await third.page.getByRole("button", { name: "They are the same" }).click();
      await again.page.getByRole("button", { name: "They are the same" }).click();
      await expect(again.page.getByRole("dialog", { name: "Device confirmed" })).toBeVisible();
      await third.atConversations();
      await third.openConversation("Samir Benali");
      await third.sees("Toujours là ?");
      await third.leave();
    });
    await again.leave();
  });
  await samir.leave();
});
