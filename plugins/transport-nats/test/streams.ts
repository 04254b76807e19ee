import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { type ServerProcess, startNats } from "@ts-micro/conformance";
import { newTransport } from "@ts-micro/transport-nats";
import { newLogger } from "ts-micro";
import type { Transport } from "ts-micro/transport";

export const alpn = ["test/1"];

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(5);
}

/** All bytes up to the end. Unlike an iterator, it leaves the other direction alone. */
export async function all(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  await once(stream, "end");
  return Buffer.concat(chunks);
}

/** A real server, a transport on it, and connections of bytes for a protocol `test/1`. */
export class Streams implements AsyncDisposable {
  readonly transport: Transport;
  readonly #server: ServerProcess;
  /** A client that knows nothing of ours. */
  readonly #raw: NatsConnection;
  #subjects = 0;

  private constructor(server: ServerProcess, raw: NatsConnection) {
    this.#server = server;
    this.#raw = raw;
    const logger = newLogger({ level: "fatal" });
    this.transport = newTransport({ addresses: [server.address], pingIntervalMs: 200, logger });
  }

  static async start(): Promise<Streams> {
    const server = await startNats();
    return new Streams(server, await connect({ servers: server.address }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    await this.#raw.close();
    await this.#server[Symbol.asyncDispose]();
  }

  async listen(serve: (stream: Duplex) => void): Promise<string> {
    const protocols = [{ name: "test", alpn, matches: () => true, serve }];
    const accept = () => ({ message() {}, close() {} });
    return (await this.transport.listen(`stream-${++this.#subjects}`, accept, { protocols })).address;
  }

  async connect(address: string, wanted: readonly string[] = alpn, signal?: AbortSignal): Promise<Duplex> {
    if (this.transport.connect === undefined) throw new Error("the transport has no connections of bytes");
    return this.transport.connect(address, { alpn: wanted, ...(signal !== undefined && { signal }) });
  }

  /** Who connected, and who was connected to. */
  async pair(): Promise<[Duplex, Duplex]> {
    const accepted: Duplex[] = [];
    const client = await this.connect(await this.listen((stream) => void accepted.push(stream)));
    return [client, accepted[0] as Duplex];
  }

  /** An end whose other end is written by hand: what it has sent, and what sends it a frame. */
  async byHand(): Promise<{ stream: Duplex; frames: string[]; send(frame: Uint8Array): void }> {
    const accepted: Duplex[] = [];
    const address = await this.listen((stream) => void accepted.push(stream));
    const inbox = `by-hand.${address}`;
    const got: Msg[] = [];
    const frames: string[] = [];
    this.#raw.subscribe(inbox, {
      callback(_, message) {
        got.push(message);
        frames.push(Buffer.from(message.data).toString("latin1"));
      },
    });
    this.#raw.publish(`${address}.connect`, alpn[0], { reply: inbox });
    await until(() => got.length > 0);
    const peer = got[0]?.reply ?? "";
    return {
      stream: accepted[0] as Duplex,
      frames,
      send: (frame) => this.#raw.publish(peer, frame, { reply: inbox }),
    };
  }

  /** A pair whose frames pass a server that loses some of them. @param loses as `lossyWay` takes it */
  async lossyPair(loses: (frame: Buffer) => boolean): Promise<[Duplex, Duplex]> {
    const accepted: Duplex[] = [];
    const address = await this.listen((stream) => void accepted.push(stream));
    return [await this.connect(await this.lossyWay(address, loses)), accepted[0] as Duplex];
  }

  /**
   * Another address of the one given, for one connection: its frames pass a server that loses some of them.
   * @param loses told of each frame, in the order in which they were sent
   */
  async lossyWay(address: string, loses: (frame: Buffer) => boolean): Promise<string> {
    const [asClient, asServer] = [`${address}.client`, `${address}.server`];
    let client = "";
    let server: string | undefined;
    for (const open of ["connect", "dial"])
      this.#raw.subscribe(`${address}.relay.${open}`, {
        callback: (_, { data, reply = "" }) => {
          client = reply;
          this.#raw.publish(`${address}.${open}`, data, { reply: asClient });
        },
      });
    this.#raw.subscribe(asClient, {
      callback: (_, { data, reply }) => {
        server ??= reply;
        if (data.length === 0 || !loses(Buffer.from(data)))
          this.#raw.publish(client, data, { reply: asServer });
      },
    });
    this.#raw.subscribe(asServer, {
      callback: (_, { data }) => {
        if (!loses(Buffer.from(data))) this.#raw.publish(server ?? "", data, { reply: asClient });
      },
    });
    await this.#raw.flush();
    return `${address}.relay`;
  }

  /** Resolves when the server has what was sent by hand. */
  flush(): Promise<void> {
    return this.#raw.flush();
  }
}
