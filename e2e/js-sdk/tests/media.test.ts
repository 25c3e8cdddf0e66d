import { randomBytes } from "node:crypto";
import { MsgType } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PliServer } from "../../browser/support/server.ts";
import { Person } from "../support/person.ts";

/** A square of 96 × 96 points in one colour. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAGAAAABgCAIAAABt+uBvAAAAj0lEQVR42u3QMQ0AAAgDsAlBGB7w/+OAk6tJFTQ1zSEKBAkSJEiQIEGCECRIkCBBggQJQpAgQYIECRIkCEGCBAkSJEiQIEEIEiRIkCBBggQhSJAgQYIECRKEIEGCBAkSJEiQIAQJEiRIkCBBghAkSJAgQYIECUKQIEGCBAkSJEgQggQJEiRIkCBBCBIk6M8C0vxd0mf7j2kAAAAASUVORK5CYII=",
  "base64",
);

let server: PliServer;

beforeAll(async () => {
  server = await PliServer.start({ registration: "open" });
});

afterAll(() => server?.stop());

test("a file would not arrive as it was sent, or anybody with its address could have it", async () => {
  const claire = await Person.signUp(server, "claire.files");
  const samir = await Person.signUp(server, "samir.files");
  const roomId = await claire.talksWith([samir]);
  const bytes = randomBytes(300_000);
  const { content_uri: url } = await claire.client.uploadContent(new Blob([bytes]), {
    name: "plan d’évacuation.pdf",
    type: "application/pdf",
  });
  const { event_id: eventId } = await claire.client.sendMessage(roomId, {
    msgtype: MsgType.File,
    body: "plan d’évacuation.pdf",
    url,
    info: { mimetype: "application/pdf", size: bytes.length },
  });

  const event = await samir.sees(roomId, eventId);
  const address = samir.client.mxcUrlToHttp(
    event.getContent()["url"],
    undefined,
    undefined,
    undefined,
    false,
    true,
    true,
  );
  if (!address) throw new Error("no address");
  const got = await fetch(address, { headers: { authorization: `Bearer ${samir.client.getAccessToken()}` } });
  expect(got.status).toBe(200);
  expect(got.headers.get("content-type")).toBe("application/pdf");
  expect(bytes.equals(Buffer.from(await got.arrayBuffer()))).toBe(true);
  expect((await fetch(address)).status).toBe(401);
});

test("a picture would be loaded whole for every thumbnail", async () => {
  const claire = await Person.signUp(server, "claire.pictures");
  const { content_uri: url } = await claire.client.uploadContent(new Blob([PICTURE], { type: "image/png" }), {
    type: "image/png",
  });
  await claire.client.setAvatarUrl(url);
  const profile = await claire.client.getProfileInfo(claire.userId);
  expect(profile.avatar_url).toBe(url);

  const address = claire.client.mxcUrlToHttp(url, 32, 32, "crop", false, true, true);
  if (!address) throw new Error("no address");
  const got = await fetch(address, {
    headers: { authorization: `Bearer ${claire.client.getAccessToken()}` },
  });
  expect(got.status).toBe(200);
  expect(got.headers.get("content-type")).toMatch(/^image\//);
  const config = await claire.client.getMediaConfig(true);
  expect(config["m.upload.size"]).toBe(100 * 1024 * 1024);
});
