import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, surroundings } from "./process.ts";

/** What of the server under test is not as usual. */
export interface Settings {
  /** Who may sign up: with a code that is mailed, or everybody. */
  readonly registration?: "email" | "open";
  /** For how long an access token is valid that its client can refresh, as the configuration has it. */
  readonly accessTokenLifetime?: string;
  /** The issuer of a provider at which people sign in, called AgentConnexion. */
  readonly issuer?: string;
}

/** The server under test: the real binary on an embedded store of its own. */
export class PliServer {
  private process: ChildProcess | undefined;
  private log = "";

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly settings: Settings,
  ) {}

  static async start(settings: Settings = {}): Promise<PliServer> {
    const folder = await mkdtemp(join(tmpdir(), "pli-e2e-"));
    const server = new PliServer(folder, await freePort(), settings);
    await writeFile(server.configFile, server.config());
    await server.boot();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  private get configFile(): string {
    return join(this.folder, "pli.toml");
  }

  private config(): string {
    const { registration = "email", accessTokenLifetime = "5 m", issuer } = this.settings;
    return [
      `server_name = "pli.test"`,
      `public_url = "${this.url}"`,
      `data_dir = "${this.folder}/data"`,
      `[listen]`,
      `client = "127.0.0.1:${this.port}"`,
      `admin = "127.0.0.1:0"`,
      `[registration]`,
      `mode = "${registration}"`,
      `domains = ["interieur.example", "justice.example"]`,
      `[registration.organisations]`,
      `"interieur.example" = "Intérieur"`,
      `"justice.example" = "Justice"`,
      `[sessions]`,
      `access_token_lifetime = "${accessTokenLifetime}"`,
      `[passwords]`,
      `argon2_memory = "64 KiB"`,
      `argon2_iterations = 1`,
      `[rate_limits]`,
      `enabled = false`,
      `[mail]`,
      `url = "outbox:${this.folder}/outbox"`,
      `from = "Pli <ne-pas-repondre@interieur.example>"`,
      ...(issuer === undefined ? [] : provider(issuer)),
      "",
    ].join("\n");
  }

  /** Starts the process and waits until it answers. */
  async boot(): Promise<void> {
    const target = process.env["CARGO_TARGET_DIR"] ?? join(homedir(), ".cache", "pli-target");
    const binary = process.env["PLI_TEST_BINARY"] ?? join(target, "debug", "pli");
    const child = spawn(binary, ["serve", "--config", this.configFile], {
      stdio: ["ignore", "pipe", "pipe"],
      env: surroundings(),
    });
    this.process = child;
    const ready = new Promise<void>((resolve, reject) => {
      const listen = (chunk: Buffer) => {
        this.log += chunk.toString();
        if (this.log.includes("Pli is ready")) resolve();
      };
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`pli ended with ${code}:\n${this.log}`)));
    });
    await ready;
    this.log = "";
  }

  /** Kills the process as a power cut would: no chance to finish anything. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Stops the process and removes its data. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** The six-digit code of the newest mail to an address; waits until there is one. */
  async mailedCode(address: string): Promise<string> {
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      const code = await this.newestCode(address);
      if (code) return code;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no mail with a code came to ${address}`);
  }

  private async newestCode(address: string): Promise<string | undefined> {
    const outbox = join(this.folder, "outbox");
    const names = await readdir(outbox).catch(() => []);
    for (const name of names
      .filter((name) => name.endsWith(".eml"))
      .sort()
      .reverse()) {
      const mail = await readFile(join(outbox, name), "utf8");
      if (!mail.includes(address)) continue;
      const code = /\b(\d{3})[  ]?(\d{3})\b(?![^\n]*(?:\d{2}:\d{2}:\d{2}))/.exec(
        mail
          .split(/\r?\n\r?\n/)
          .slice(1)
          .join("\n\n"),
      );
      if (code) return `${code[1]}${code[2]}`;
    }
    return undefined;
  }

  /** Every file that the server keeps: its store, its media. */
  async dataFiles(): Promise<string[]> {
    const folder = join(this.folder, "data");
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
}

function provider(issuer: string): string[] {
  return [
    `[[upstream]]`,
    `id = "agents"`,
    `name = "AgentConnexion"`,
    `issuer = "${issuer}"`,
    `client_id = "pli"`,
    `client_secret = "a secret between the two"`,
    `allow_private_addresses = true`,
  ];
}
