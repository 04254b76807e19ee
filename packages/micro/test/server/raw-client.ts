import { connect, type Socket } from "node:net";

export interface Answer {
  /** Everything as it came, as latin1. */
  raw: string;
  status: string;
  header: Record<string, string>;
  body: Buffer;
}

/** A TCP connection that writes bytes as they are given and cuts what comes back into HTTP answers. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the server has closed its side. */
  readonly ended: Promise<void>;
  #buffer = Buffer.alloc(0);
  #wanted: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #isEnded = false;

  static async open(address: string): Promise<RawClient> {
    const client = new RawClient(address);
    await new Promise<void>((resolve, reject) => {
      client.socket.once("connect", resolve).once("error", reject);
    });
    return client;
  }

  private constructor(address: string) {
    const { hostname, port } = new URL(`http://${address}`);
    this.socket = connect({ host: hostname, port: Number(port) });
    this.socket.on("data", (bytes) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes]);
      this.#cut();
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isEnded = true;
        this.#cut();
        resolve();
      };
      this.socket.on("end", end).on("close", end).on("error", end);
    });
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next answer; rejects when the connection ends before it. */
  answer(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#wanted.push({ resolve, reject });
      this.#cut();
    });
  }

  ask(bytes: string | Uint8Array): Promise<Answer> {
    this.write(bytes);
    return this.answer();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #cut(): void {
    while (this.#wanted.length > 0) {
      const end = this.#buffer.indexOf("\r\n\r\n");
      const head = this.#buffer.subarray(0, Math.max(0, end)).toString("latin1");
      const [status = "", ...lines] = head.split("\r\n");
      const header = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s, 2)));
      const length = end + 4 + Number(header["Content-Length"]);
      if (end === -1 || this.#buffer.length < length) break;
      const raw = this.#buffer.subarray(0, length).toString("latin1");
      const body = this.#buffer.subarray(end + 4, length);
      this.#buffer = this.#buffer.subarray(length);
      this.#wanted.shift()?.resolve({ raw, status, header, body });
    }
    if (!this.#isEnded) return;
    for (const { reject } of this.#wanted.splice(0))
      reject(new Error("the connection ended without an answer"));
  }
}

/** A request as go-micro's http transport writes it. */
export function post(header: Record<string, string>, body: string | Uint8Array = ""): Buffer {
  const bytes = Buffer.from(body);
  const framing = bytes.length === 0 ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes.length}`;
  const fields = Object.keys(header)
    .sort()
    .map((name) => `${name}: ${header[name]}\r\n`);
  return Buffer.concat([
    Buffer.from(
      `POST / HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nUser-Agent: Go-http-client/1.1\r\n${framing}\r\n${fields.join("")}\r\n`,
    ),
    bytes.length === 0 ? Buffer.from("0\r\n\r\n") : bytes,
  ]);
}

/** The headers of a JSON call, as go-micro's client writes them. */
export function callHeader(endpoint: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    Accept: "application/json",
    "Content-Type": "application/json",
    "Micro-Endpoint": endpoint,
    "Micro-Id": "0",
    "Micro-Method": endpoint,
    "Micro-Service": "go.micro.srv.greeter",
    Timeout: "5000000000",
    ...more,
  };
}

/** The bytes of an example of the wire's description: lines end in CR LF, `␊` is a line feed in a body. */
export function example(text: string): string {
  return text.replace(/^\n/, "").replaceAll("\n", "\r\n").replaceAll("␊", "\n");
}
