import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, surroundings } from "./process.ts";

/** Somebody whom the demo tells to sign in as. */
export interface Resident {
  readonly name: string;
  readonly email: string;
  readonly recoveryCode: readonly string[];
}

/** The demo under test: what `make demo` starts, in a folder of its own. */
export class Demo {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    readonly url: string,
    readonly residents: readonly Resident[],
  ) {}

  /** Starts it and waits until it has said who to sign in as. */
  static async start(): Promise<Demo> {
    const folder = await mkdtemp(join(tmpdir(), "pli-demo-"));
    const port = await freePort();
    const target = process.env["CARGO_TARGET_DIR"] ?? join(homedir(), ".cache", "pli-target");
    const binary = process.env["PLI_TEST_DEMO"] ?? join(target, "debug", "pli-demo");
    const child = spawn(binary, ["--data", join(folder, "data"), "--port", String(port)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: surroundings(),
    });
    let output = "";
    await new Promise<void>((resolve, reject) => {
      const listen = (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes("Ctrl-C stops")) resolve();
      };
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the demo ended with ${code}:\n${output}`)));
    });
    const lines = output.matchAll(/^ {4}(\S.*?) +(\S+@\S+)\n +((?:\S+ ){11}\S+)$/gm);
    const residents = [...lines].map(([, name = "", email = "", words = ""]) => ({
      name,
      email,
      recoveryCode: words.split(" "),
    }));
    return new Demo(child, folder, `http://localhost:${port}`, residents);
  }

  resident(name: string): Resident {
    const resident = this.residents.find((resident) => resident.name === name);
    if (!resident) throw new Error(`the demo does not say how to sign in as ${name}`);
    return resident;
  }

  async stop(): Promise<void> {
    const exited = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await exited;
    await rm(this.folder, { recursive: true, force: true });
  }
}
