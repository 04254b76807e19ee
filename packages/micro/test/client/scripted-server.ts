import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket as NetSocket } from "node:net";
import type { TestContext } from "node:test";
import type { Client, ClientOptions } from "../../src/client/client.ts";
import { newClient } from "../../src/client/mucp.ts";
import { type Metadata, newMetadata } from "../../src/metadata.ts";
import { newMemoryTransport } from "../../src/transport/memory.ts";
import type { Message, Socket, Transport } from "../../src/transport/transport.ts";

/** A server that answers as the test says, on a real transport, and remembers what it was sent. */
export interface ScriptedServer {
  readonly address: string;
  readonly transport: Transport;
  /** Every message that came, in order. */
  readonly requests: Message[];
  /** Every connection that was opened, in order. */
  readonly sockets: Socket[];
  /** Resolves when the connection of that number has closed at this end. */
  closed(number: number): Promise<void>;
  /** Resolves when that many messages have come. */
  received(count: number): Promise<void>;
}

export type Script = (request: Message, socket: Socket, number: number) => void;

export async function scriptedServer(
  context: TestContext,
  script: Script,
  options: { transport?: Transport; address?: string; greet?: (socket: Socket) => void } = {},
): Promise<ScriptedServer> {
  const transport = options.transport ?? newMemoryTransport({ addresses: [randomUUID()] });
  const requests: Message[] = [];
  const sockets: Socket[] = [];
  const closed: Promise<void>[] = [];
  let waiting: { count: number; resolve: () => void }[] = [];
  const listener = await transport.listen(options.address ?? "127.0.0.1:0", (socket) => {
    sockets.push(socket);
    let close = (): void => {};
    closed.push(
      new Promise((resolve) => {
        close = resolve;
      }),
    );
    options.greet?.(socket);
    return {
      message(request) {
        requests.push(request);
        script(request, socket, requests.length - 1);
        for (const each of waiting.filter(({ count }) => count <= requests.length)) each.resolve();
        waiting = waiting.filter(({ count }) => count > requests.length);
      },
      close,
    };
  });
  // As a listener on a port would: a client's own timers don't keep the process alive.
  const alive = setInterval(() => {}, 1_000);
  context.after(async () => {
    clearInterval(alive);
    await listener.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    address: listener.address,
    transport,
    requests,
    sockets,
    closed: async (number) => closed[number],
    received: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push({ count, resolve });
          }),
  };
}

/** A client of these servers, which share a transport. Calls without a service of their own go to them in turn. */
export function clientOf(context: TestContext, transport: Transport, options: ClientOptions = {}): Client {
  const client = newClient({ ...options, parts: { ...options.parts, transport } });
  context.after(() => client.close());
  return client;
}

export function answer(body: string, header: Metadata = {}): Message {
  return { header: newMetadata(header), body: Buffer.from(body) };
}

export function failure(text: string, header: Metadata = {}): Message {
  return answer("", { ...header, "Micro-Error": text });
}

export const goodbye: Message = failure(
  '{"id":"go.micro.server","code":408,"detail":"the server is shutting down"}',
  {
    Connection: "close",
    "Micro-Goodbye": "draining",
  },
);

/** A TCP server for tests about bytes. */
export async function bytesServer(
  context: TestContext,
  serve: (socket: NetSocket) => void,
): Promise<{ address: string }> {
  const sockets = new Set<NetSocket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { address: `127.0.0.1:${address.port}` };
}
