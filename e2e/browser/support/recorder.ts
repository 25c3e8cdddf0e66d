import { once } from "node:events";
import { createServer, request, type Server } from "node:http";

/** A proxy between browser and server that keeps every request: what the server could have seen. */
export class Recorder {
  private constructor(
    private readonly server: Server,
    private readonly bodies: Buffer[],
    readonly port: number,
  ) {}

  static async before(targetPort: number): Promise<Recorder> {
    const bodies: Buffer[] = [];
    const server = createServer((incoming, answer) => {
      const chunks: Buffer[] = [Buffer.from(`${incoming.method} ${incoming.url}\n`)];
      const onward = request(
        {
          host: "127.0.0.1",
          port: targetPort,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.headers,
        },
        (back) => {
          answer.writeHead(back.statusCode ?? 502, back.headers);
          back.pipe(answer);
        },
      );
      onward.on("error", () => answer.destroy());
      answer.on("close", () => onward.destroy());
      incoming.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        onward.write(chunk);
      });
      incoming.on("end", () => {
        bodies.push(Buffer.concat(chunks));
        onward.end();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return new Recorder(server, bodies, address.port);
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** How many requests went through. */
  get count(): number {
    return this.bodies.length;
  }

  /** The first request that carried a text, in UTF-8, as JSON escapes or percent-encoded. */
  firstWith(text: string): string | undefined {
    const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)].map((form) =>
      Buffer.from(form),
    );
    const found = this.bodies.find((body) => forms.some((form) => body.includes(form)));
    return found?.subarray(0, 200).toString();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
