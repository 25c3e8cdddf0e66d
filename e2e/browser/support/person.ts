import type { Browser, BrowserContext, Locator, Page } from "@playwright/test";
import { expect } from "@playwright/test";
import type { PliServer } from "./server.ts";

/** Four words that have nothing to do with each other. */
export const PASSWORD = "lavande tunnel cadran ficelle";

/** A file that somebody sends: what it is called, what it is, and what is in it. */
export interface SentFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** Somebody at a browser. Finds everything as a person does: by what it is called. */
export class PersonAtBrowser {
  recoveryCode: readonly string[] = [];

  private backedUpKeys = 0;

  private constructor(
    readonly email: string,
    /** First and last name, as others find them. */
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {}

  static async at(browser: Browser, url: string, email: string, name: string): Promise<PersonAtBrowser> {
    const context = await browser.newContext();
    const page = await context.newPage();
    const person = new PersonAtBrowser(email, name, context, page, url);
    page.on("response", async (response) => {
      if (response.request().method() === "PUT" && response.url().includes("/room_keys/keys")) {
        const answer = (await response.json().catch(() => ({}))) as { count?: number };
        person.backedUpKeys = answer.count ?? person.backedUpKeys;
      }
    });
    return person;
  }

  /** Waits until the keys of so many senders in all are in the backup: the app sends them within ten seconds. */
  async hasBackedUp(keys: number): Promise<void> {
    await expect.poll(() => this.backedUpKeys, { timeout: 30_000 }).toBeGreaterThanOrEqual(keys);
  }

  /** The same person in another tab of the same browser. */
  inTab(page: Page): PersonAtBrowser {
    const tab = new PersonAtBrowser(this.email, this.name, this.context, page, this.url);
    tab.recoveryCode = this.recoveryCode;
    return tab;
  }

  /** From nothing to the first screen: address, mailed code, password, recovery code. */
  async signUp(server: PliServer): Promise<void> {
    const { page } = this;
    await page.goto(this.url);
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("Work e-mail address").fill(this.email);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("textbox", { name: "Six-digit code" }).waitFor();
    await page.keyboard.type(await server.mailedCode(this.email));
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create my account" }).click();
    await this.keepRecoveryCode();
    await this.atConversations();
  }

  /** Notes the twelve words and gives back the two that are asked. */
  async keepRecoveryCode(): Promise<void> {
    const { page } = this;
    await expect(page.getByRole("heading", { name: "Your recovery code" })).toBeVisible({ timeout: 90_000 });
    const items = await page
      .getByRole("list", { name: "The twelve words" })
      .getByRole("listitem")
      .allTextContents();
    this.recoveryCode = items.map((item) => item.replace(/^\d+/, "").trim());
    expect(this.recoveryCode).toHaveLength(12);
    await page.getByRole("button", { name: "I have written them down" }).click();
    for (const field of await page.getByLabel(/^Word no\. \d+$/).all()) {
      const label = await field.evaluate((input: HTMLInputElement) => input.labels?.[0]?.textContent ?? "");
      const position = Number(/\d+/.exec(label)?.[0]);
      await field.fill(this.recoveryCode[position - 1] ?? "");
    }
    await page.getByRole("button", { name: "Finish" }).click();
  }

  /** Signs in on a browser that knows nothing; what comes next is the caller's. */
  async signIn(): Promise<void> {
    const { page } = this;
    await page.goto(this.url);
    await page.getByLabel("Work e-mail address").fill(this.email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Get your conversations back" })).toBeVisible({
      timeout: 60_000,
    });
  }

  /** Opens what was written before with the twelve words. */
  async recoverWith(words: readonly string[]): Promise<void> {
    const { page } = this;
    await page.getByLabel("Your twelve words").fill(words.join(" "));
    await page.getByRole("button", { name: "Open my conversations" }).click();
    await this.atConversations();
  }

  async atConversations(): Promise<void> {
    await expect(this.page.getByRole("heading", { name: "Conversations" })).toBeVisible({ timeout: 90_000 });
  }

  /** Finds a person by name and opens the conversation with them. */
  async startConversationWith(other: PersonAtBrowser): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name: "New conversation" }).first().click();
    const dialog = page.getByRole("dialog", { name: "New conversation" });
    await dialog.getByRole("combobox", { name: "Name of the person" }).fill(other.name);
    await dialog.getByRole("option", { name: other.name }).first().click();
    await expect(dialog).toBeHidden();
    await this.isIn(other.name);
  }

  /** Makes a group with some people. */
  async startGroup(name: string, people: readonly PersonAtBrowser[]): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name: "New conversation" }).first().click();
    const dialog = page.getByRole("dialog", { name: "New conversation" });
    await dialog.getByText("A group", { exact: true }).click();
    await dialog.getByLabel("Name of the group").fill(name);
    for (const person of people) {
      await dialog.getByRole("combobox").fill(person.name);
      await dialog.getByRole("option", { name: person.name }).first().click();
    }
    await dialog.getByRole("button", { name: "Make the group" }).click();
    await expect(dialog).toBeHidden();
    await this.isIn(name);
  }

  /** Accepts the one invitation there is. */
  async acceptInvitation(): Promise<void> {
    const button = this.page.getByRole("button", { name: /^Accept the invitation/ });
    const label = (await button.getAttribute("aria-label")) ?? "";
    await button.click();
    await this.isIn(label.replace(/^[^:]*: /, ""));
  }

  /** Opens a conversation from the list. */
  async openConversation(name: string): Promise<void> {
    await this.page.locator("[data-room-row]").filter({ hasText: name }).first().click();
    await this.isIn(name);
  }

  /** Waits until the conversation called `name` is the open one: another may have been before. */
  private async isIn(name: string): Promise<void> {
    const shown = name.replace(/ \[[^\]]*\]$/, "");
    await expect(this.page.getByRole("textbox", { name: `Message to ${shown}` })).toBeVisible();
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: /^Message to/ });
  }

  /** The bubbles of the open conversation. */
  message(text: string): Locator {
    return this.page.getByRole("article").filter({ hasText: text });
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
    await expect(this.message(text)).toBeVisible();
    await expect(this.message(text).getByLabel("Sent", { exact: true })).toBeVisible();
  }

  async sees(text: string): Promise<void> {
    await expect(this.message(text)).toBeVisible({ timeout: 60_000 });
  }

  async send(file: SentFile): Promise<void> {
    const { page } = this;
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Attach files" }).click();
    await (await chooser).setFiles([file]);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  }

  /** The picture that somebody sent, decrypted: waits until its pixels are there. `action` is in the page's language. */
  async seesPicture(name: string, action = "Enlarge"): Promise<void> {
    const picture = this.page.getByRole("button", { name: `${action} ${name}` }).locator("img");
    await expect(picture).toBeVisible({ timeout: 60_000 });
    await expect
      .poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth), { timeout: 60_000 })
      .toBeGreaterThan(0);
  }

  /** Saves a file that somebody sent and gives back its bytes. */
  async saves(name: string): Promise<Buffer> {
    const { page } = this;
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: `Save ${name}` }).click();
    const stream = await (await download).createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** The names of the seven pictures that are to be compared. */
  async comparedPictures(): Promise<string[]> {
    const list = this.page.getByRole("list", { name: "The seven pictures" });
    await expect(list.getByRole("listitem")).toHaveCount(7, { timeout: 60_000 });
    return list.getByRole("listitem").allInnerTexts();
  }

  /** Changes the displayed name, which sign-up makes of the address and so without accents. */
  async rename(displayName: string): Promise<void> {
    const { page } = this;
    await page.getByRole("link", { name: "Settings", exact: true }).click();
    await page.getByLabel("Displayed name").fill(displayName);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(page.getByText("Your name is saved.")).toBeVisible();
    await page.getByRole("link", { name: /^Conversations/ }).click();
  }

  /** Signs out by the settings, once nothing would be lost; waits until the sign-in page is there. */
  async signOut(): Promise<void> {
    const { page } = this;
    await page.getByRole("link", { name: "Settings", exact: true }).click();
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Sign out on this device?" });
    await expect(dialog.getByText("Nothing will be lost")).toBeVisible({ timeout: 60_000 });
    await dialog.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeVisible({ timeout: 60_000 });
  }

  /** The names of all that the browser keeps for this site. */
  async keptInBrowser(): Promise<Record<"databases" | "records" | "caches" | "cookies", string[]>> {
    const kept = await this.page.evaluate(async () => ({
      databases: (await indexedDB.databases()).map(({ name }) => name ?? ""),
      records: [...Object.entries(localStorage), ...Object.entries(sessionStorage)].map((entry) =>
        entry.join(" = "),
      ),
      caches: await caches.keys(),
    }));
    return { ...kept, cookies: (await this.context.cookies()).map(({ name }) => name) };
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

/** A photograph, as far as a test needs one: a PNG with a gradient, its bytes unlike any text. */
export async function photo(
  page: Page,
  name: string,
  { width, height } = { width: 640, height: 480 },
): Promise<SentFile> {
  const size = { width, height };
  const base64 = await page.evaluate(({ width, height }) => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    const gradient = context.createLinearGradient(0, 0, width, height);
    gradient.addColorStop(0, "#1c6b58");
    gradient.addColorStop(1, "#f7f5f0");
    context.fillStyle = gradient;
    context.fillRect(0, 0, width, height);
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  }, size);
  return { name, mimeType: "image/png", buffer: Buffer.from(base64, "base64") };
}
