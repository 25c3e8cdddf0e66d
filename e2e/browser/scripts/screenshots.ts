import { fileURLToPath } from "node:url";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { PersonAtBrowser, type SentFile } from "../support/person.ts";
import { PliServer } from "../support/server.ts";

const images = fileURLToPath(new URL("../../../docs/images/", import.meta.url));

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

test("the conversation screen, on a desk and on a phone", async ({ browser }) => {
  test.setTimeout(600_000);
  const lea = await signedUp(browser, "lea.dubois@interieur.example", "Léa Dubois");
  const claire = await signedUp(browser, "claire.martin@interieur.example", "Claire Martin");
  const samir = await signedUp(browser, "samir.benali@interieur.example", "Samir Benali");
  const awa = await signedUp(browser, "awa.kone@justice.example", "Awa Koné");
  const hugo = await signedUp(browser, "hugo.petit@interieur.example", "Hugo Petit");

  await lea.rename("Léa Dubois [Intérieur]");
  await awa.rename("Awa Koné [Justice]");

  await test.step("conversations of the days before", async () => {
    await lea.startConversationWith(claire);
    await claire.acceptInvitation();
    await claire.say("Le compte rendu est en ligne, relu par Hugo.");
    await lea.sees("Le compte rendu est en ligne");
    await lea.say("Merci !");

    await samir.startConversationWith(lea);
    await lea.acceptInvitation();
    await samir.send(await map(samir.page, "Salle-3.png"));
    await lea.seesPicture("Salle-3.png");

    await hugo.startGroup("Astreinte du week-end", [lea, samir]);
    await lea.acceptInvitation();
    await samir.acceptInvitation();
    await hugo.say("Je prends le samedi.");
    await lea.sees("Je prends le samedi.");

    await claire.startGroup("Directeurs adjoints", [lea, hugo]);
    await lea.acceptInvitation();
    await hugo.acceptInvitation();

    await awa.startConversationWith(lea);
    await lea.acceptInvitation();

    await hugo.startConversationWith(lea);
    await lea.acceptInvitation();
    await lea.say("Tu passes au bureau avant la réunion ?");
    await hugo.sees("Tu passes au bureau");
    await hugo.say("Parfait, à tout à l’heure.");
    await lea.sees("Parfait, à tout à l’heure.");
  });

  await test.step("the group", async () => {
    await claire.startGroup("Cellule de crise", [lea, samir, awa, hugo]);
    for (const person of [lea, samir, awa, hugo]) await person.acceptInvitation();
    await claire.say("Bonjour à tous. Point de situation à 10 h, en salle ou en visio.");
    await lea.sees("Point de situation à 10 h");
    const note = Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(412 * 1024)]);
    await claire.send({ name: "Note-situation-v3.pdf", mimeType: "application/pdf", buffer: note });
    await lea.sees("Note-situation-v3.pdf");
    await lea.say("Bien reçu. Je relis et je vous renvoie mes deux corrections avant le point.");
    await samir.sees("Bien reçu.");
    await samir.say("Je serai en visio depuis Lyon.");
    await awa.sees("en visio depuis Lyon");
    await awa.composer.fill("Le périmètre à jour : le pont reste ouvert aux secours.");
    await awa.send(await map(awa.page, "Secteur-nord.png"));
    await lea.seesPicture("Secteur-nord.png");
    await claire.sees("Le périmètre à jour");
    await claire.say("La note est partie au cabinet. Léa, peux-tu prévenir la préfecture ?");
    await lea.sees("prévenir la préfecture");
  });

  await test.step("what came meanwhile", async () => {
    await claire.openConversation("Directeurs adjoints");
    await claire.say("L’ordre du jour de jeudi est prêt.");
    await claire.say("Dites-moi s’il manque un point.");
    await awa.openConversation("Léa Dubois");
    await awa.say("Je t’appelle après le point de 10 h.");
    await lea.say("C’est fait, ils rappellent dans un quart d’heure.");
    for (const person of [claire, samir, awa, hugo]) {
      await person.openConversation("Cellule de crise");
      await person.sees("ils rappellent dans un quart d’heure");
    }
    await lea.page.getByRole("button", { name: "Later" }).click();
    await lea.page.getByRole("link", { name: "Settings", exact: true }).click();
    await lea.page.getByRole("link", { name: "Appearance and language" }).click();
    await lea.page.getByText("Français", { exact: true }).click();
    await lea.page.getByRole("link", { name: /^Conversations/ }).click();
    await lea.page.locator("[data-room-row]").filter({ hasText: "Cellule de crise" }).click();
    await lea.seesPicture("Secteur-nord.png", "Agrandir");
  });

  await test.step("the pictures", async () => {
    const { page } = lea;
    await page.getByRole("button", { name: "Détails de la conversation" }).click();
    await expect(page.getByRole("heading", { name: "Membres" })).toBeVisible();
    await page.mouse.move(0, 0);
    await expect(page.getByRole("article").last()).toBeInViewport({ ratio: 1 });
    await samir.composer.pressSequentially("Je vous appelle");
    await expect(page.getByText("Samir écrit…").first()).toBeVisible();
    await page.screenshot({ path: `${images}conversation.png` });
    await page.getByRole("button", { name: "Fermer les détails" }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.screenshot({ path: `${images}phone.png` });
  });
  for (const person of [lea, claire, samir, awa, hugo]) await person.leave();
});

/** A plan of a part of a town, drawn by the browser: streets, a river, a park, a perimeter. */
async function map(page: Page, name: string): Promise<SentFile> {
  const base64 = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 1200;
    canvas.height = 760;
    const draw = canvas.getContext("2d");
    if (!draw) throw new Error("no canvas");
    const line = (colour: string, width: number, points: readonly (readonly [number, number])[]) => {
      draw.strokeStyle = colour;
      draw.lineWidth = width;
      draw.lineCap = "round";
      draw.lineJoin = "round";
      draw.beginPath();
      for (const [x, y] of points) draw.lineTo(x, y);
      draw.stroke();
    };
    draw.fillStyle = "#efe9dc";
    draw.fillRect(0, 0, 1200, 760);
    draw.rotate(-0.12);
    for (let column = -1; column < 12; column += 1) {
      for (let row = 0; row < 10; row += 1) {
        const park = column > 6 && column < 9 && row > 1 && row < 4;
        draw.fillStyle = park
          ? "#c8dcb6"
          : (["#e2d8c4", "#e7dece", "#ddd2bd"][(column * 7 + row * 3 + 21) % 3] ?? "#e2d8c4");
        draw.beginPath();
        draw.roundRect(column * 120 + 14, row * 100 - 20, park ? 122 : 94, park ? 102 : 74, 8);
        draw.fill();
      }
    }
    draw.resetTransform();
    const river = [
      [-40, 560],
      [180, 600],
      [400, 540],
      [640, 575],
      [860, 500],
      [1240, 530],
    ] as const;
    line("#a9cbdc", 120, river);
    line("#bcd9e6", 92, river);
    const streets = [
      [
        [540, -20],
        [600, 780],
      ],
      [
        [-20, 210],
        [1220, 90],
      ],
      [
        [900, -20],
        [965, 780],
      ],
      [
        [-20, 430],
        [1220, 330],
      ],
    ] as const;
    for (const street of streets) line("#cfc4ae", 34, street);
    for (const street of streets) line("#fffdf7", 26, street);
    draw.setLineDash([22, 18]);
    draw.fillStyle = "rgba(169, 38, 28, 0.10)";
    draw.strokeStyle = "#a9261c";
    draw.lineWidth = 7;
    draw.beginPath();
    draw.ellipse(650, 300, 300, 205, -0.12, 0, Math.PI * 2);
    draw.fill();
    draw.stroke();
    draw.setLineDash([]);
    const places = [
      [588, 566, "#1c6b58"],
      [640, 270, "#a9261c"],
      [948, 205, "#2f5d86"],
    ] as const;
    for (const [x, y, colour] of places) {
      draw.fillStyle = "rgba(29, 36, 48, 0.25)";
      draw.beginPath();
      draw.ellipse(x, y + 4, 20, 8, 0, 0, Math.PI * 2);
      draw.fill();
      draw.fillStyle = colour;
      draw.beginPath();
      draw.arc(x, y - 44, 28, Math.PI * 0.85, Math.PI * 2.15);
      draw.lineTo(x, y);
      draw.fill();
      draw.fillStyle = "#ffffff";
      draw.beginPath();
      draw.arc(x, y - 44, 11, 0, Math.PI * 2);
      draw.fill();
    }
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  return { name, mimeType: "image/png", buffer: Buffer.from(base64, "base64") };
}
