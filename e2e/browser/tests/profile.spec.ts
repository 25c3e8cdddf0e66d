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

test("a picture of oneself is shown to others, square and small, until it is taken away", async ({
  browser,
}) => {
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
  const { page } = claire;
  const face = samir.page.locator("[data-room-row]").filter({ hasText: claire.name }).locator("img");
  await expect(face).toHaveCount(0);

  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await test.step("what is no picture is refused with a reason", async () => {
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Choose a picture" }).click();
    await (await chooser).setFiles([
      { name: "face.png", mimeType: "image/png", buffer: Buffer.from("not a picture") },
    ]);
    await expect(page.getByText("This picture cannot be read.")).toBeVisible();
  });

  await test.step("a picture is cut square and shown on both sides", async () => {
    const chooser = page.waitForEvent("filechooser");
    const sent = page.waitForRequest((request) => request.url().endsWith("/_matrix/media/v3/upload"));
    await page.getByRole("button", { name: "Choose a picture" }).click();
    await (await chooser).setFiles([await photo(page, "portrait.png")]);
    expect((await sent).headers()["content-type"]).toBe("image/jpeg");
    await expect(page.getByRole("button", { name: "Change the picture" })).toBeVisible();
    await expect(page.getByRole("main").locator("img").first()).toBeVisible();
    await expect(face).toBeVisible({ timeout: 60_000 });
    const size = await face.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight]);
    expect(size[0]).toBe(size[1]);
    expect(size[0]).toBeGreaterThan(0);
  });

  await test.step("and taken away again", async () => {
    await page.getByRole("button", { name: "Remove it" }).click();
    await expect(page.getByRole("button", { name: "Choose a picture" })).toBeVisible();
    await expect(face).toHaveCount(0);
  });
  await claire.leave();
  await samir.leave();
});
