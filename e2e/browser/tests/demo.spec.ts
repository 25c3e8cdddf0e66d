import { expect, test } from "@playwright/test";
import { Demo } from "../support/demo.ts";
import { PersonAtBrowser } from "../support/person.ts";

test("whoever tries the demo reads its whole history with the words that it prints", async ({ browser }) => {
  const demo = await Demo.start();
  try {
    expect(demo.residents).toHaveLength(5);
    const { name, email, recoveryCode } = demo.resident("Claire Martin");
    const claire = await PersonAtBrowser.at(browser, demo.url, email, name);
    await claire.signIn();
    await claire.recoverWith(recoveryCode);

    await claire.openConversation("Samir Benali");
    await claire.sees("On se voit à 15 h, avec la blanquette.");
    await claire.openConversation("Cellule de crise");
    await claire.sees("L’Orne est revenue dans son lit. Bonne journée à tous !");
    // As far back as the first message: everything opens, nothing is doubted.
    const first = claire.message("J’ouvre ce groupe pour suivre la crue du Val-d’Orne");
    await expect(async () => {
      await claire.page.getByRole("article").first().hover();
      await claire.page.mouse.wheel(0, -20_000);
      await expect(claire.page.getByText("Message hidden")).toHaveCount(0, { timeout: 20_000 });
      await expect(first).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 60_000 });
    await claire.leave();
  } finally {
    await demo.stop();
  }
});
