import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { freePort, surroundings } from "./process.ts";
import { PliServer } from "./server.ts";

/** What a provider says of somebody. */
export interface Claims {
  readonly email: string;
  readonly email_verified: boolean;
  readonly given_name: string;
  readonly family_name: string;
}

/** A real OpenID Connect provider (e2e/provider), and a Pli that sends people there. */
export class Provider {
  private constructor(
    private readonly process: ChildProcess,
    private readonly issuer: string,
    readonly pli: PliServer,
  ) {}

  static async start(): Promise<Provider> {
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const pli = await PliServer.start({ issuer });
    const script = join(import.meta.dirname, "../../provider/provider.mjs");
    const child = spawn(process.execPath, [script, String(port), pli.url], {
      stdio: ["pipe", "pipe", "inherit"],
      env: surroundings(),
    });
    // Its first line says that it listens.
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the provider ended with ${code}`);
    });
    try {
      await Promise.race([once(child.stdout, "data"), ended]);
    } catch (error) {
      await pli.stop();
      throw error;
    }
    // What happens later shows in the tests.
    ended.catch(() => undefined);
    return new Provider(child, issuer, pli);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const exited = once(this.process, "exit");
      this.process.stdin?.end();
      await exited;
    }
    await this.pli.stop();
  }

  /** Somebody whom the provider knows from now on. */
  async knows(name: string, claims: Claims): Promise<void> {
    const body = JSON.stringify(claims);
    const answer = await fetch(`${this.issuer}/control/accounts/${name}`, { method: "PUT", body });
    expect(answer.status).toBe(200);
  }

  /** Answers the provider's question who somebody is, instead of a password. */
  async signIn(page: Page, name: string): Promise<void> {
    await this.asks(page);
    await page.goto(`${page.url()}/as/${name}`);
  }

  /** Turns back at the provider. */
  async cancel(page: Page): Promise<void> {
    await this.asks(page);
    await page.goto(`${page.url()}/cancel`);
  }

  private async asks(page: Page): Promise<void> {
    await expect(page.getByText("Who are you?")).toBeVisible();
    expect(new URL(page.url()).origin).toBe(this.issuer);
  }
}
