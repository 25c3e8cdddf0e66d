import { type Browser, expect, type Page, test } from "@playwright/test";
import { expectAccessible } from "../support/axe.ts";
import { PASSWORD, PersonAtBrowser, photo } from "../support/person.ts";
import { PliServer } from "../support/server.ts";

let server: PliServer;

test.beforeAll(async () => {
  server = await PliServer.start();
});

test.afterAll(async () => {
  await server?.stop();
});

/** Somebody whose browser shows no motion: what axe sees is what stays. */
async function person(browser: Browser, email: string, name: string): Promise<PersonAtBrowser> {
  const someone = await PersonAtBrowser.at(browser, server.url, email, name);
  await someone.page.emulateMedia({ reducedMotion: "reduce" });
  return someone;
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

test("the ways in: sign-in, sign-up, first run, forgotten password, recovery", async ({ browser }) => {
  test.setTimeout(600_000);
  const awa = await person(browser, "awa.kone@justice.example", "Awa Koné");
  const { page } = awa;

  await test.step("sign-in", async () => {
    await page.goto(server.url);
    await expect(button(page, "Sign in")).toBeVisible();
    await expectAccessible(page, "sign-in");
    await page.getByLabel("Work e-mail address").fill("personne@justice.example");
    await page.getByLabel("Password", { exact: true }).fill("pas le bon mot de passe");
    await button(page, "Sign in").click();
    await expect(page.getByRole("alert")).toBeVisible();
    await expectAccessible(page, "sign-in refused");
  });

  await test.step("sign-up", async () => {
    await page.getByRole("link", { name: "Create an account" }).click();
    await expectAccessible(page, "sign-up");
    await page.getByLabel("Work e-mail address").fill("awa.kone@ailleurs.example");
    await button(page, "Continue").click();
    await expect(page.getByText("Use your work address.")).toBeVisible();
    await expectAccessible(page, "sign-up with an address from elsewhere");
    await page.getByLabel("Work e-mail address").fill(awa.email);
    await button(page, "Continue").click();
    await page.getByRole("textbox", { name: "Six-digit code" }).waitFor();
    await expectAccessible(page, "code");
    const code = await server.mailedCode(awa.email);
    await page.getByRole("textbox", { name: "Six-digit code" }).focus();
    await page.keyboard.type(code === "000000" ? "111111" : "000000");
    await expect(page.getByText("This is not the right code.")).toBeVisible();
    await expectAccessible(page, "wrong code");
    await page.getByRole("textbox", { name: "Six-digit code" }).fill(code);
    await page.getByLabel("Password", { exact: true }).waitFor();
    await expectAccessible(page, "choice of a password");
    await page.getByLabel("Password", { exact: true }).fill("aaaaaaaaaaaaa");
    await expectAccessible(page, "a password that is easy to guess");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  });

  await test.step("first run", async () => {
    let goOn = () => {};
    const looked = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await page.route("**/keys/device_signing/upload", async (route) => {
      await looked;
      await route.continue();
    });
    await button(page, "Create my account").click();
    await expect(page.getByRole("heading", { name: "We are preparing your keys" })).toBeVisible();
    await expectAccessible(page, "preparing keys");
    goOn();
    await expect(page.getByRole("heading", { name: "Your recovery code" })).toBeVisible({ timeout: 90_000 });
    await expectAccessible(page, "recovery code");
    const items = await page
      .getByRole("list", { name: "The twelve words" })
      .getByRole("listitem")
      .allTextContents();
    awa.recoveryCode = items.map((item) => item.replace(/^\d+/, "").trim());
    await button(page, "I have written them down").click();
    for (const field of await page.getByLabel(/^Word no\. \d+$/).all()) await field.fill("abandon-not");
    await button(page, "Finish").click();
    await expect(page.getByText(/This is not word no\./).first()).toBeVisible();
    await expectAccessible(page, "wrong words");
    await button(page, "See the words again").click();
    await awa.keepRecoveryCode();
    await awa.atConversations();
    await expect(page.getByText("No conversation yet")).toBeVisible();
    await expectAccessible(page, "no conversation yet");
  });

  await test.step("forgotten password", async () => {
    const again = await person(browser, awa.email, awa.name);
    const { page } = again;
    await page.goto(server.url);
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await expectAccessible(page, "forgotten password");
    await page.getByLabel("Work e-mail address").fill(awa.email);
    await page.route("**/requestToken", (route) => route.abort());
    await button(page, "Get a code").click();
    await expect(page.getByText("The server does not answer.")).toBeVisible();
    await expectAccessible(page, "forgotten password, no connection");
    await page.unroute("**/requestToken");
    const before = await server.mailedCode(awa.email);
    await button(page, "Get a code").click();
    await page.getByRole("textbox", { name: "Six-digit code" }).waitFor();
    await expectAccessible(page, "code for a new password");
    let code = before;
    await expect
      .poll(async () => {
        code = await server.mailedCode(awa.email);
        return code;
      })
      .not.toBe(before);
    await page.getByRole("textbox", { name: "Six-digit code" }).fill(code);
    await page.getByLabel("Password", { exact: true }).waitFor();
    await expectAccessible(page, "new password");
    await page.getByLabel("Password", { exact: true }).fill("galet phare moulin tisane");
    await button(page, "Change the password").click();
    await expect(page.getByRole("heading", { name: "Get your conversations back" })).toBeVisible({
      timeout: 60_000,
    });

    await test.step("recovery on a new browser", async () => {
      await expectAccessible(page, "recovery");
      await page.getByLabel("Your twelve words").fill("zzzz abandon");
      await button(page, "Open my conversations").click();
      await expect(
        page.getByText(/is not a word of a recovery code|These are not twelve words/).first(),
      ).toBeVisible();
      await expectAccessible(page, "a misspelt word");
      await button(page, "I lost my code and all my devices").click();
      await expect(page.getByRole("heading", { name: "Start over with new keys" })).toBeVisible();
      await expectAccessible(page, "starting over");
      await button(page, "Change nothing").click();
      await button(page, "Use another device").click();
      await expect(page.getByRole("dialog", { name: "Confirm a device" })).toBeVisible();
      await expectAccessible(page, "waiting for the other device");
    });
    await again.leave();
  });
  await awa.leave();
});

test("conversations: list, messages, details, dialogs, a changed identity", async ({ browser }) => {
  test.setTimeout(600_000);
  const claire = await person(browser, "claire.martin@interieur.example", "Claire Martin");
  const samir = await person(browser, "samir.benali@justice.example", "Samir Benali");
  await claire.signUp(server);
  await samir.signUp(server);
  const { page } = claire;

  await test.step("new conversation", async () => {
    await button(page, "New conversation").first().click();
    const dialog = page.getByRole("dialog", { name: "New conversation" });
    await expect(dialog).toBeVisible();
    await expectAccessible(page, "new conversation");
    const field = dialog.getByRole("combobox", { name: "Name of the person" });
    await field.fill("Samir");
    await expect(dialog.getByRole("option")).toHaveCount(1);
    await expectAccessible(page, "people found");
    await field.fill("Personne de ce nom");
    await expect(dialog.getByText("Nobody of this name.")).toBeVisible();
    await expectAccessible(page, "nobody found");
    await dialog.getByText("A group", { exact: true }).click();
    await expectAccessible(page, "new group");
    await dialog.getByRole("combobox").fill("Samir");
    await dialog.getByRole("option", { name: samir.name }).click();
    await button(page, "Make the group").click();
    await expect(dialog.getByText("Give the group a name.")).toBeVisible();
    await expectAccessible(page, "a group without a name");
    await dialog.getByLabel("Name of the group").fill("Cellule de crise");
    await button(page, "Make the group").click();
    await expect(claire.composer).toBeVisible();
    await expectAccessible(page, "a new group");
  });

  await test.step("invitation", async () => {
    await expect(samir.page.getByRole("button", { name: /^Accept the invitation/ })).toBeVisible();
    await expectAccessible(samir.page, "invitation");
    await samir.acceptInvitation();
  });

  await test.step("messages", async () => {
    await claire.say("Point de situation à 10 h : https://interieur.example/note");
    await samir.sees("Point de situation à 10 h");
    await samir.say("Je serai en visio depuis Lyon.");
    await claire.sees("Je serai en visio depuis Lyon.");
    const picture = await photo(page, "salle-de-crise.png");
    const note = {
      name: "Note-situation-v3.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("Tout va bien.\n"),
    };
    const chooser = page.waitForEvent("filechooser");
    await button(page, "Attach files").click();
    await (await chooser).setFiles([picture, note]);
    await expect(page.getByRole("button", { name: `Remove ${note.name}` })).toBeVisible();
    await expectAccessible(page, "files to send");
    await button(page, "Send").click();
    await claire.seesPicture(picture.name);
    await claire.sees(note.name);
    await samir.seesPicture(picture.name);
    await expectAccessible(samir.page, "messages of others");
    await samir.page.getByRole("button", { name: `Enlarge ${picture.name}` }).click();
    await expect(samir.page.getByRole("dialog", { name: picture.name })).toBeVisible();
    await expectAccessible(samir.page, "a picture");
    await samir.page.keyboard.press("Escape");
    await page.route("**/send/**", (route) =>
      route.fulfill({ status: 403, json: { errcode: "M_FORBIDDEN", error: "refused by the test" } }),
    );
    await claire.composer.fill("Ce message ne part pas.");
    await claire.composer.press("Enter");
    await expect(button(page, "Do not send")).toBeVisible();
    await expectAccessible(page, "messages of mine, one of them not sent");
    await page.unroute("**/send/**");
    await button(page, "Try again").click();
    await expect(claire.message("Ce message ne part pas.").getByLabel("Sent", { exact: true })).toBeVisible();
  });

  await test.step("message menu and deletion", async () => {
    const message = claire.message("Ce message ne part pas.");
    await message.hover();
    await message.getByRole("button", { name: "Actions for this message" }).click();
    await expect(page.getByRole("menuitem", { name: "Delete for everyone" })).toBeVisible();
    await expectAccessible(page, "message menu");
    for (const key of ["Tab", "Shift+Tab"]) {
      await page.keyboard.press(key);
      await expect(page.locator("[aria-hidden=true]:focus, body:focus")).toHaveCount(0);
    }
    await page.keyboard.press("Escape");
    await message.hover();
    await message.getByRole("button", { name: "Actions for this message" }).click();
    await page.getByRole("menuitem", { name: "Delete for everyone" }).click();
    await expect(page.getByText("Delete this message?")).toBeVisible();
    await expectAccessible(page, "deletion");
    await button(page, "Delete").click();
    await claire.sees("You deleted this message");
    await expectAccessible(page, "a deleted message");
  });

  await test.step("details", async () => {
    await button(page, "Conversation details").click();
    await expect(page.getByRole("heading", { name: "Members" })).toBeVisible();
    await expectAccessible(page, "details");
    await button(page, "Actions for Samir Benali").click();
    await expect(page.getByRole("menuitem", { name: "Verify identity" })).toBeVisible();
    await expectAccessible(page, "member menu");
    await page.getByRole("menuitem", { name: "Remove from the conversation" }).click();
    await expectAccessible(page, "removal of a member");
    await button(page, "Cancel").click();
    await button(page, "Rename the group").click();
    await expectAccessible(page, "renaming of a group");
    await button(page, "Cancel").click();
    await button(page, "Add people").click();
    await expectAccessible(page, "adding people");
    await page.keyboard.press("Escape");
    await button(page, "Leave the conversation").click();
    await expectAccessible(page, "leaving");
    await button(page, "Cancel").click();
  });

  await test.step("verification by emoji", async () => {
    await button(page, "Actions for Samir Benali").click();
    await page.getByRole("menuitem", { name: "Verify identity" }).click();
    await expect(page.getByRole("dialog", { name: "Verify Samir Benali" })).toBeVisible();
    await expectAccessible(page, "waiting for the other person");
    // Two people compare in their own conversation, which this request has just started.
    await samir.acceptInvitation();
    await expect(button(samir.page, "Verify")).toBeVisible();
    await expectAccessible(samir.page, "somebody asks to be verified");
    await button(samir.page, "Verify").click();
    await claire.comparedPictures();
    await expectAccessible(page, "the seven pictures");
    await samir.comparedPictures();
    await button(page, "They are the same").click();
    await expectAccessible(page, "waiting for the other person's answer");
    await button(samir.page, "They are the same").click();
    await expect(page.getByRole("dialog", { name: "Identity verified" })).toBeVisible();
    await expectAccessible(page, "verified");
    await button(page, "Done").click();
    await button(samir.page, "Done").click();
    await expectAccessible(page, "details of somebody verified");
    await button(page, "Close details").click();
  });

  await test.step("search and filters", async () => {
    await page.getByRole("searchbox", { name: "Search conversations" }).fill("Rien de tel");
    await expect(page.getByText("Nothing to show")).toBeVisible();
    await expectAccessible(page, "no conversation found");
    await button(page, "Show all conversations").click();
  });

  await test.step("offline", async () => {
    await claire.context.setOffline(true);
    await expect(page.getByText("You are offline.")).toBeVisible();
    await expectAccessible(page, "offline");
    await claire.context.setOffline(false);
    await expect(page.getByText("You are offline.")).toBeHidden();
  });

  await test.step("a changed identity", async () => {
    await samir.leave();
    const lost = await person(browser, samir.email, samir.name);
    await lost.signIn();
    await button(lost.page, "I lost my code and all my devices").click();
    await lost.page.getByLabel("I understand that my old messages will be lost").check();
    await lost.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(lost.page, "Start over with new keys").click();
    await lost.keepRecoveryCode();
    await lost.atConversations();
    await expect(page.getByText("Samir Benali has a new identity")).toBeVisible({ timeout: 60_000 });
    await expectAccessible(page, "a changed identity");
    await lost.openConversation("Cellule de crise");
    await expect(lost.page.getByText("This message").first()).toBeVisible();
    await expectAccessible(lost.page, "messages that cannot be read");
    await lost.leave();
  });
  await claire.leave();
});

test("settings: every section and its dialogs", async ({ browser }) => {
  test.setTimeout(600_000);
  const hugo = await person(browser, "hugo.petit@interieur.example", "Hugo Petit");
  await hugo.signUp(server);
  const { page } = hugo;
  const other = await person(browser, hugo.email, hugo.name);
  await other.signIn();
  await other.recoverWith(hugo.recoveryCode);

  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await expectAccessible(page, "settings");
  for (const section of ["Profile", "Appearance and language", "Notifications", "Devices", "Security"]) {
    await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: section }).click();
    await expect(page.getByRole("heading", { level: 2, name: section })).toBeVisible();
    await expect(page.getByRole("status", { name: /Loading|Checking/ })).toHaveCount(0);
    await expectAccessible(page, `settings, ${section}`);
  }

  await test.step("a new recovery code", async () => {
    await button(page, "Replace the code").click();
    await expect(page.getByText("Replace your recovery code?")).toBeVisible();
    await expectAccessible(page, "replacing the recovery code");
    await page.getByRole("dialog").getByRole("button", { name: "Replace the code" }).click();
    await expect(page.getByRole("dialog", { name: "Your recovery code" })).toBeVisible({ timeout: 60_000 });
    await expectAccessible(page, "new words");
    await hugo.keepRecoveryCode();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  });

  await test.step("a password that is wrong", async () => {
    await page.getByLabel("Present password", { exact: true }).fill("pas le bon");
    await page.getByLabel("New password", { exact: true }).fill("galet phare moulin tisane");
    await button(page, "Change the password").click();
    await expect(page.getByText("This password is not right.")).toBeVisible();
    await expectAccessible(page, "a wrong password");
  });

  await test.step("devices", async () => {
    await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Devices" }).click();
    const actions = page.getByRole("button", { name: /^Actions for/ });
    await expect(actions).toHaveCount(2);
    await actions.last().click();
    await expect(page.getByRole("menuitem", { name: "Rename" })).toBeVisible();
    await expectAccessible(page, "device menu");
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await expect(page.getByRole("dialog", { name: "Rename the device" })).toBeVisible();
    await expectAccessible(page, "renaming of a device");
    await button(page, "Cancel").click();
    await actions.last().click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByText("Sign this device out?")).toBeVisible();
    await expectAccessible(page, "signing another device out");
    await button(page, "Cancel").click();
  });

  await test.step("keyboard shortcuts and sign-out", async () => {
    await button(page, "Keyboard shortcuts").click();
    await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    await expectAccessible(page, "keyboard shortcuts");
    await page.keyboard.press("Escape");
    await button(page, "Sign out").click();
    await expect(page.getByRole("dialog", { name: "Sign out on this device?" })).toBeVisible();
    await expect(page.getByRole("dialog").getByRole("button", { name: "Sign out" })).toBeEnabled();
    await expectAccessible(page, "sign-out");
    await button(page, "Cancel").click();
  });

  await test.step("another tab", async () => {
    const second = await hugo.context.newPage();
    await second.emulateMedia({ reducedMotion: "reduce" });
    await second.goto(server.url);
    await expect(second.getByRole("heading", { name: "Pli is open in another tab" })).toBeVisible();
    await expectAccessible(second, "open in another tab");
    await second.close();
  });
  await other.leave();
  await hugo.leave();
});
