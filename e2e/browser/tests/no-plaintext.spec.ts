import { readFile } from "node:fs/promises";
import { expect, test } from "@playwright/test";
import { PersonAtBrowser, photo } from "../support/person.ts";
import { Recorder } from "../support/recorder.ts";
import { PliServer } from "../support/server.ts";

let server: PliServer;
let recorder: Recorder;

test.beforeAll(async () => {
  server = await PliServer.start();
  recorder = await Recorder.before(server.port);
});

test.afterAll(async () => {
  await recorder?.stop();
  await server?.stop();
});

test("nothing that two people write or send each other reaches the server readable", async ({ browser }) => {
  const claire = await PersonAtBrowser.at(
    browser,
    recorder.url,
    "claire.martin@interieur.example",
    "Claire Martin",
  );
  const samir = await PersonAtBrowser.at(
    browser,
    recorder.url,
    "samir.benali@justice.example",
    "Samir Benali",
  );
  await claire.signUp(server);
  await samir.signUp(server);

  const message = "L'hélicoptère décolle à quatre heures";
  const draft = "une phrase jamais envoyée";
  const file = {
    name: "plan-evacuation-quartier-nord.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("Rassemblement derrière la caserne des pompiers\n"),
  };
  const picture = await photo(claire.page, "plan-de-la-caserne.png");

  await claire.startConversationWith(samir);
  await claire.say(message);
  await samir.acceptInvitation();
  await samir.sees(message);
  await claire.send(file);
  await samir.sees(file.name);
  expect(await samir.saves(file.name)).toEqual(file.buffer);
  await claire.send(picture);
  await samir.seesPicture(picture.name);
  await claire.composer.fill(draft);
  await samir.say("Entendu, quatre heures");
  await claire.sees("Entendu, quatre heures");

  const secrets = [
    message,
    draft,
    "Entendu, quatre heures",
    file.name,
    picture.name,
    "Rassemblement derrière la caserne",
    claire.recoveryCode.join(" "),
  ];
  const pixels = picture.buffer.subarray(60, 140);

  await test.step("no request carried it", () => {
    expect(recorder.count).toBeGreaterThan(30);
    for (const secret of secrets) expect(recorder.firstWith(secret), secret).toBeUndefined();
    // The recorder finds what did pass: otherwise the check above could not fail.
    expect(recorder.firstWith("m.megolm.v1.aes-sha2")).toBeDefined();
  });

  await test.step("no file of the server's has it", async () => {
    const files = await server.dataFiles();
    const contents = await Promise.all(files.map(async (path) => ({ path, bytes: await readFile(path) })));
    const finds = (needle: Buffer) => contents.find(({ bytes }) => bytes.includes(needle))?.path;
    for (const secret of secrets) expect(finds(Buffer.from(secret)), secret).toBeUndefined();
    expect(finds(pixels)).toBeUndefined();
    expect(finds(Buffer.from("m.megolm.v1.aes-sha2"))).toBeDefined();
  });
  await claire.leave();
  await samir.leave();
});
